// Whose turn it is to try destinations of which nothing good is known: nobody has been reached there yet, or
// the last attempt failed.  Such a visit may hold a connection for minutes and come to nothing.  Pure.
//
// The sender with the fewest of them under way comes first, and of equals who has waited longest.  A sender
// may have as many under way as are still free: alone it takes half of all, the next one half of what is
// left, and there is room for a newcomer however many silent hosts the others write to.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>

#include "daemons/queued/destination.h"

namespace mailroom::queued {

// Whose turn it is: the sender's number (spool/queue/index.h).  No two senders have one, so that nobody can
// take another's turns.
using SenderKey = std::uint32_t;

class TrialTurns {
 public:
  struct Turn {
    SenderKey sender = 0;
    DestinationNumber destination = 0;
  };

  // All together under way.
  void set_limit(std::uint32_t most) { most_ = most; }

  // The sender has something for it.  Each is given once.
  void add(const Turn& turn);
  // Nothing when nobody waits who may begin.
  std::optional<Turn> take();

  // A visit of that sender, whoever's turn it was.
  void begin(SenderKey sender);
  void end(SenderKey sender);

 private:
  struct Sender {
    std::deque<DestinationNumber> waiting;
    std::uint32_t active = 0;
    std::uint64_t since = 0;  // when it last had its turn, in turns
  };
  using Senders = std::unordered_map<SenderKey, Sender>;

  // Changes a sender, which keeps its place in `queue_` true.
  template <typename Change>
  void change(SenderKey key, Change&& change);

  Senders senders_;  // that wait or have something under way
  std::set<std::tuple<std::uint32_t, std::uint64_t, SenderKey>> queue_;  // that wait: active, since
  std::uint32_t most_ = 1;
  std::uint32_t active_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace mailroom::queued
