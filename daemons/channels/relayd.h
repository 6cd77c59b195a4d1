// relayd carries messages to other hosts: one process for each connection, which speaks to queued on a
// channel of its own.
//
// queued asks the listener for a process with a message of fixed size and the process's end of a new channel.
// The process takes one Connect, then messages one after the other, and ends when queued closes the channel.
// When queued (or the listener) closes but the half that it reads from, it begins nothing more: a message
// whose content has not left as a whole is dropped without an answer; one whose content has is answered, with
// RelaydConfig::stop_timeout for what the far side still has to reply.
// It knows nothing but what it was handed; what it says is about the messages it was handed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "daemons/channels/policyd.h"
#include "daemons/channels/types.h"
#include "libcommon/routing/next_hop.h"

namespace mailroom {

using RelayId = std::uint64_t;  // random, names one outbound connection; in logs 16 hexadecimal digits

// queued -> relayd listener, with one descriptor: the process's end of its channel
struct OpenRelay {
  RelayId relay = 0;
  std::uint32_t route =
      0;  // routing::route_ticket of the route whose credentials it may ask authd for; 0: none
  static auto fields(auto& m) { return std::tie(m.relay, m.route); }
};
using QueuedToRelayd = std::variant<OpenRelay>;

// relayd listener -> queued
struct RelayRefused {  // no room, or no process could be made: try later
  RelayId relay = 0;
  static auto fields(auto& m) { return std::tie(m.relay); }
};
using RelaydToQueued = std::variant<RelayRefused>;

// For all addresses of a Connect together, however many are silent or slow.
inline constexpr std::chrono::minutes kOpeningTime{20};

// queued -> relay process
struct Connect {  // tries the hops and their addresses in order until one takes a mail session; answered
                  // once, within kOpeningTime
  routing::Protocol protocol = routing::Protocol::smtp;
  std::vector<routing::NextHop> hops;
  bool authenticate = false;  // asks authd for the credentials of its route, and logs in (only over TLS)
  static auto fields(auto& m) { return std::tie(m.protocol, m.hops, m.authenticate); }
};

struct OutboundRecipient {
  std::uint32_t number = 0;  // of the target within the message
  std::string address;
  std::uint8_t notify = 0;  // bits of Notify
  std::string orcpt;        // xtext
  static auto fields(auto& m) { return std::tie(m.number, m.address, m.notify, m.orcpt); }
};

// One message, to at most kMaxOutboundRecipients; answered by one Sent.  Content up to kInlineContent
// (channels/deliverd.h) octets is in `content`; larger content comes as one sealed memfd.
inline constexpr std::size_t kMaxOutboundRecipients = 100;  // RFC 5321 4.5.3.1.8
struct Send {
  QueueId queue_id = 0;
  std::string reverse_path;
  MailParameters mail;
  std::vector<OutboundRecipient> recipients;
  std::string content;
  std::uint64_t memfd_size = 0;  // 0: the content is inline
  static auto fields(auto& m) {
    return std::tie(m.queue_id, m.reverse_path, m.mail, m.recipients, m.content, m.memfd_size);
  }
};
using QueuedToRelay = std::variant<Connect, Send>;

// relay process -> queued
enum class RelayFailure : std::uint8_t {
  none,
  unreachable,      // refused, timed out, no route: by the network
  cut,              // the connection ended, or a reply did not come in time or was no reply
  greeting,         // 4yz or 5yz to the connection or to EHLO and HELO
  tls_unavailable,  // STARTTLS is required and not offered, or refused
  tls_failed,       // a handshake failed
  certificate,  // ... for the certificate (RFC 8460 4.3: certificate-host-mismatch and so on in `tls_result`)
  authentication,  // no credentials, or they were refused
  unsupported,     // the message needs what the far side does not offer: SMTPUTF8, 8BITMIME (nothing is
                   // converted), SIZE
  forbidden,       // an address that must never be connected to (SECURITY.md V18)
  loop,            // the far side greets with our own name
  requiretls_unavailable,  // REQUIRETLS is required and not offered (RFC 8689)
  local,                   // something that this system should have had or done: not the far side's fault
  kLast = local
};

struct HopAttempt {  // one address that was tried
  std::string host;
  IpAddress address;
  RelayFailure failure = RelayFailure::none;
  Reply reply;             // of the far side, when there was one; text bounded and in printable ASCII
  std::string detail;      // in words
  std::string tls_result;  // RFC 8460 4.3 result type when TLS failed; empty otherwise
  static auto fields(auto& m) {
    return std::tie(m.host, m.address, m.failure, m.reply, m.detail, m.tls_result);
  }
};

struct Connected {
  std::string host;
  IpAddress address;
  std::string tls;         // version and cipher; empty: plaintext
  bool verified = false;   // the certificate was what the requirement asks for
  std::string tls_result;  // of a requirement with report_only: the RFC 8460 4.3 result type of what is wrong
  bool dsn = false;        // the far side takes RFC 3461 parameters: it reports from now on
  std::vector<HopAttempt> attempts;  // those that failed before
  static auto fields(auto& m) {
    return std::tie(m.host, m.address, m.tls, m.verified, m.tls_result, m.dsn, m.attempts);
  }
};
struct NotConnected {
  std::vector<HopAttempt> attempts;
  static auto fields(auto& m) { return std::tie(m.attempts); }
};

// Where in the dialogue an outcome comes from; reports say it.  `cut` at final_dot: the far side may have all
// of the content, and have taken it; at any other stage it has not.
enum class RelayStage : std::uint8_t { connect, mail, rcpt, data, final_dot, kLast = final_dot };

struct RecipientOutcome {
  std::uint32_t number = 0;
  RelayFailure failure = RelayFailure::none;  // cut, unsupported: no reply of the far side decides
  RelayStage stage = RelayStage::final_dot;
  Reply reply;  // 2yz: taken; 4yz: try again; 5yz: never; code 0: none, see `failure` (cut: try again)
  static auto fields(auto& m) { return std::tie(m.number, m.failure, m.stage, m.reply); }
};
struct Sent {
  QueueId queue_id = 0;
  std::vector<RecipientOutcome> outcomes;  // exactly those of Send, in its order
  bool reusable = false;                   // the connection can take another message
  static auto fields(auto& m) { return std::tie(m.queue_id, m.outcomes, m.reusable); }
};
using RelayToQueued = std::variant<Connected, NotConnected, Sent>;

// relay process -> authd, and back: the credentials of its route, and of no other.
struct WantCredentials {
  static auto fields(auto&) { return std::tie(); }
};
struct RelayCredentials {
  std::string user;  // empty: none are kept for this route
  std::string password;
  static constexpr bool kHoldsSecret = true;
  static auto fields(auto& m) { return std::tie(m.user, m.password); }
};
// relayd listener -> authd, with one descriptor: authd's end of that process's channel
struct OpenCredentials {
  RelayId relay = 0;
  std::uint32_t route = 0;  // of OpenRelay
  static auto fields(auto& m) { return std::tie(m.relay, m.route); }
};
using RelaydToAuthd = std::variant<OpenCredentials>;
using RelayToAuthd = std::variant<WantCredentials>;
using AuthdToRelay = std::variant<RelayCredentials>;

}  // namespace mailroom
