// Messages that the system itself sends, by way of queued.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "daemons/config.h"
#include "daemons/policyd/peers.h"

namespace mailroom::policyd {

// Messages that queued has not answered for; one more is not sent.
inline constexpr std::size_t kMaxUnanswered = 1'000;

// Whom the system's own messages are from, in their header.
std::string own_address(const Config& config);

class OwnMail {
 public:
  // Called once, now or later: the message is in the queue, durable (its id), or is not (0).
  using Done = std::function<void(QueueId)>;

  explicit OwnMail(Peers& peers) : peers_{peers} {}

  // The recipient is resolved: accounts, or a domain.  `content` is in wire form with its header, at most
  // kMaxSubmitted octets, in ASCII.
  void send(std::string reverse_path, Recipient recipient, std::string content, Done done);

  void submitted(const Submitted& answer);
  // Whether it took what it has not answered for is not known: it is said to be not sent.
  void queued_gone();

 private:
  Peers& peers_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Done> waiting_;
};

}  // namespace mailroom::policyd
