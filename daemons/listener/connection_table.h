// What a listener knows of its connections, as a value without descriptors: who may still connect, which
// verdicts are outstanding, how many sessions an account has.  A verdict is good for one hand-over within
// kVerdictLifetime.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemons/channels/types.h"
#include "daemons/config.h"

namespace mailroom {

inline constexpr std::chrono::seconds kVerdictLifetime{10};

class ConnectionTable {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Small and reused: also the number of the process's uid within the pool.  It stays taken until release(),
  // since a connection may be over before its process is.
  using Slot = std::uint32_t;

  enum class Refusal { service_full, address_full };

  struct Verdict {
    AccountId account = 0;
    std::string name;
  };

  struct Connection {
    ConnectionId id = 0;
    IpAddress peer;
    Time opened;
    std::optional<Verdict> verdict;  // admitted and not yet used
    Time verdict_until;
    bool handed_over = false;  // relays for a session: not "before login" any more
  };

  // `slots` is the size of the uid pool.  limits.total counts the connections before login, and leaves some
  // of the pool to processes that are ending and to relays.
  ConnectionTable(const ConnectionLimits& limits, std::uint32_t slots);

  std::expected<Slot, Refusal> open(ConnectionId id, const IpAddress& peer, Time now);
  void close(Slot slot);
  // Its process has ended (or never was): the slot may be used again.
  void release(Slot slot) { free_.push_back(slot); }
  const Connection& at(Slot slot) const { return *connections_[slot]; }
  bool is_open(Slot slot) const { return slot < connections_.size() && connections_[slot].has_value(); }
  std::optional<Slot> find(ConnectionId id) const;
  std::size_t count() const { return by_id_.size(); }

  // The one that has been there longest without login.
  std::optional<Slot> oldest_before_login() const;

  // Notes a verdict.  False when there is no such connection, or it has had one: a second verdict is never
  // taken.
  bool admit(ConnectionId id, Verdict verdict, Time now);

  // The verdict, once.  Nothing without one, or when it has expired.
  std::optional<Verdict> use_verdict(Slot slot, Time now);

  // Takes back the account's verdicts that are not used yet.
  void revoke(AccountId account);

  // Counts a session; false when the service or the account has as many as it may.
  bool open_session(AccountId account);
  void close_session(AccountId account);
  std::size_t sessions() const { return sessions_; }

 private:
  ConnectionLimits limits_;
  // By slot, as far as slots have been used.  A deque: a vector that grows leaves holes in the heap, and what
  // lies in them is spread over more pages for each fork to copy.
  std::deque<std::optional<Connection>> connections_;
  std::vector<Slot> free_;
  std::unordered_map<ConnectionId, Slot> by_id_;
  std::map<IpAddress, std::uint32_t> per_address_;
  std::set<std::pair<Time, Slot>> before_login_;
  std::unordered_map<AccountId, std::uint32_t> per_account_;
  std::size_t sessions_ = 0;
};

}  // namespace mailroom
