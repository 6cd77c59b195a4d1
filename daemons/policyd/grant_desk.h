// POP-before-SMTP: who has read mail from which address, and may send from it for a while.
//
//   none -- reads mail --> held -- the window has passed, revoked, account changed --> none
//
// A grant is on disk before the login that earns it is answered, and gone from the disk before its revocation
// is; so neither is lost with the process.  Its address is the one that the listener saw.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemons/config.h"
#include "libcommon/event/loop.h"
#include "libcommon/policy/forward_clock.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

// Networks that one account may hold grants for at the same time, and grants in all: an account that logs in
// from ever new addresses fills no memory.
inline constexpr std::size_t kMaxGrantsOfAccount = 64;
inline constexpr std::size_t kMaxGrants = 200'000;

class GrantDesk {
 public:
  // The system's time in seconds since 1970; tests bring their own.
  using SystemClock = std::function<std::uint64_t()>;
  // Called for each grant that has been revoked, for what goes on by it.
  using OnRevoked = std::function<void(const IpNetwork&)>;

  GrantDesk(event::Loop& loop, state::Directory& directory, const Config& config, OnRevoked on_revoked,
            SystemClock system_clock);

  // The account has read mail from there.  Does nothing where no grants are given; throws when it cannot be
  // stored.
  void read_mail(const state::Account& account, const IpAddress& peer);

  // Whether grants are given to clients there.
  enum class Place : std::uint8_t { off, behind_nat, good };
  Place place(const IpAddress& peer) const;

  // The accounts that may send from there, and since when.
  struct Held {
    AccountId account = 0;
    std::uint64_t since = 0;
  };
  std::vector<Held> held_at(const IpAddress& peer);

  // Those of the account, of the network, or of both; gives how many.  Durable when it returns.
  std::size_t revoke(std::optional<AccountId> account, const std::optional<IpNetwork>& network);

  // That still count, in the order of networks, from the first after (network, account).
  std::vector<state::Grant> grants_after(const std::optional<std::pair<IpNetwork, AccountId>>& after,
                                         std::size_t limit);
  std::uint64_t ends(std::uint64_t since) const { return since + window_; }

  void reconfigured(const Config& config);
  // Stores what the clock has shown.
  void note_time();

 private:
  struct Entry {
    std::uint64_t since = 0;
    std::uint64_t stored = 0;  // what the disk has
  };
  using Key = std::pair<IpNetwork, AccountId>;

  IpNetwork network(const IpAddress& peer) const;
  std::uint64_t now();
  bool counts(const Entry& entry, std::uint64_t now) const { return now < entry.since + window_; }
  bool has_room_for(AccountId account) const;
  void erase(const std::vector<Key>& keys);
  void tidy();

  state::Directory& directory_;
  OnRevoked on_revoked_;
  SystemClock system_clock_;
  policy::ForwardClock clock_;
  std::uint64_t window_ = 0;  // seconds
  unsigned ipv6_prefix_ = 64;
  bool from_nat_ = false;
  std::vector<IpNetwork> nat_;
  std::map<Key, Entry> held_;
  std::map<AccountId, std::size_t> count_of_;
  event::Timer tidy_timer_;
};

}  // namespace mailroom::policyd
