// Which addresses have lately taken nothing, so that others of the destination are tried before them: RFC
// 5321 5.1 has each address tried until a delivery succeeds, and one whose host takes a session and then puts
// the mail off would be the first at every attempt.  Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "daemons/queued/destination.h"
#include "daemons/queued/target_result.h"
#include "libcommon/routing/next_hop.h"

namespace mailroom::queued {

// What an attempt that brought nobody the message says about the address that it went to.
enum class Setback : std::uint8_t {
  none,        // a recipient was taken or all are refused, or the trouble is this system's own
  of_message,  // put off for its recipients or its content: greylisting, a full mailbox
  of_host,     // cut, 421, or put off before any content
};
Setback setback_of(const TargetResults& results);

// Whether another host may have at once what this one has put off (RFC 5321 5.1): for trouble of the host
// alone, and when it cannot have taken the content without its reply.  What is put off for a recipient waits:
// the other hosts of a domain know the same mailboxes, and who greylists wants it to wait.
bool may_go_elsewhere(const TargetResults& results);

class Setbacks {
 public:
  static constexpr std::size_t kMost = 10'000;  // with more, those that are over are forgotten, or all
  // A host is better again before long; a message comes again after hours (queued.retry-schedule).
  static constexpr Microseconds kHostKept = 5ULL * 60 * 1'000'000;
  static constexpr Microseconds kMessageKept = 6ULL * 3'600 * 1'000'000;

  // Of one destination, by its key; and of one message, or with 0 of all.
  struct Scope {
    std::string destination;
    QueueId message = 0;
    auto operator<=>(const Scope&) const = default;
  };

  // `scope` says whose message it was; a setback of the host holds for all of the destination.
  void note(const Scope& scope, const IpAddress& address, Setback setback, Microseconds now);
  // It has taken something.
  void worked(const Scope& scope, const IpAddress& address);
  // Whether it is tried last for this message.
  bool holds(const Scope& scope, const IpAddress& address, Microseconds now) const {
    return since(scope, address, now) != 0;
  }

  std::size_t size() const { return noted_.size(); }

  struct Ordered {
    std::vector<routing::NextHop> hops;
    std::size_t first = 0;  // so many of them before those that are tried last
  };
  // Those that hold come last, the one that was tried the longest ago first; a hop of which some addresses
  // do is divided.  Otherwise the order stays.
  Ordered in_order(const std::vector<routing::NextHop>& hops, const Scope& scope, Microseconds now) const;

 private:
  using Key = std::pair<Scope, IpAddress>;
  struct Noted {
    Microseconds since = 0, until = 0;
  };
  Microseconds since(const Scope& scope, const IpAddress& address, Microseconds now) const;
  void make_room(Microseconds now);

  std::map<Key, Noted> noted_;
};

}  // namespace mailroom::queued
