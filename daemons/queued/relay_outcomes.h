// What the answers of a relay process mean for the messages it was handed.  Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "daemons/channels/relayd.h"
#include "daemons/queued/target_result.h"

namespace mailroom::queued {

// The host that a connection was made to.
struct RelayPeer {
  std::string host;
  std::string address;  // as text; empty: a Unix socket
  routing::Protocol protocol = routing::Protocol::smtp;
  bool dsn = false;
};

// One result for each target that was sent, in the same order; nothing when the answer is not about exactly
// these: then nothing of it counts.
std::optional<TargetResults> results_of(const Sent& sent, QueueId id,
                                        const std::vector<std::uint32_t>& targets, const RelayPeer& peer,
                                        std::uint64_t now);

// The result for each of these targets when the connection ended without an answer.
TargetResults cut_off(const std::vector<std::uint32_t>& targets, const RelayPeer& peer, std::uint64_t now);

// Of a connection that did not come about: what it means for a message that was to go over it.  Refused for
// good when this system is what greets, or when all hosts lack what REQUIRETLS needs (RFC 8689 4.2.1).
TargetResult not_connected(const NotConnected& answer, routing::SenderTls tls, std::uint64_t now);

// Whether the far side has said anything about the message but that it is going (RFC 5321 3.8).
bool is_dialogue(const TargetResults& results);

// Whether the far side had closed, or says so in place of taking another message: of a connection that has
// carried others that is no news about the host, and nothing of this message has been begun.
bool is_turned_away(const TargetResults& results);

// Trouble of this system's own, which says nothing about the far side.
bool is_local(const TargetResults& results);

}  // namespace mailroom::queued
