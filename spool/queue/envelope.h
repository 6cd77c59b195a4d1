// The envelope of a queued message, and how far its delivery has come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "libcommon/routing/sender_tls.h"
#include "libcommon/sys/ip_address.h"

namespace mailroom::queue {

// A forward-path as it was accepted, with its DSN parameters (RFC 3461).
struct EnvelopeRecipient {
  std::string address;  // without angle brackets
  std::string orcpt;    // in xtext, with its address type
  std::uint8_t notify = 0;
  std::string domain;  // of a remote recipient; empty: local
  auto operator<=>(const EnvelopeRecipient&) const = default;
  static auto fields(auto& m) { return std::tie(m.address, m.orcpt, m.notify, m.domain); }
};

// One delivery to be made.  Its number, from 1 in the order of Envelope::targets, and the queue id name it
// for good.
struct Target {
  std::uint32_t recipient = 0;  // index into Envelope::recipients
  std::uint32_t account = 0;    // the local account; 0: the recipient's domain
  auto operator<=>(const Target&) const = default;
  static auto fields(auto& m) { return std::tie(m.recipient, m.account); }
};

// A client that had proved nothing, and was in no network of ours: whether it may send as the reverse-path,
// SPF says (RFC 7208).
struct Stranger {
  IpAddress address;  // as the listener saw it
  std::string helo;   // as it said
  auto operator<=>(const Stranger&) const = default;
  static auto fields(auto& m) { return std::tie(m.address, m.helo); }
};

struct Envelope {
  std::uint64_t connection = 0;  // for the log
  std::string submitter;         // the logged-in account's name, or empty
  std::string reverse_path;      // without angle brackets; empty: the null reverse-path
  std::string envid;             // RFC 3461, in xtext
  std::uint8_t body = 0;         // of MAIL (RFC 6152)
  std::uint8_t ret = 0;          // of MAIL (RFC 3461)
  bool smtputf8 = false;         // RFC 6531
  routing::SenderTls tls = routing::SenderTls::unspecified;  // RFC 8689
  std::string device;                // the registered device that it came from, or empty
  std::optional<Stranger> stranger;  // whose message it is, when it is nobody's whom we know
  std::vector<EnvelopeRecipient> recipients;
  std::vector<Target> targets;
  // Numbers, ascending, of targets in local mailboxes whose address a Delivered-To field of the content
  // names: it has been there before, and is not delivered there again (SECURITY.md V16).
  std::vector<std::uint32_t> looping;

  auto operator<=>(const Envelope&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.connection, m.submitter, m.reverse_path, m.envid, m.body, m.ret, m.smtputf8, m.tls,
                    m.device, m.stranger, m.recipients, m.targets, m.looping);
  }
};

// What is looked at on the way out.  A report about a message with REQUIRETLS, which has no reverse-path,
// asks for it and goes without it rather than not at all (RFC 8689 4.2.1, 5).
routing::SenderTls tls_on_the_way(const Envelope& envelope);

// The targets of a message fall into parts, numbered from 0 in the order of their first target: those in
// local mailboxes, and those of each remote domain.  Parts are attempted, and wait, each for itself.
inline constexpr std::string_view kLocalPart{};
std::string_view domain_of(const Envelope& envelope, const Target& target);
std::vector<std::string_view> parts_of(const Envelope& envelope);
// The numbers, ascending, of the parts that these targets are of.
std::vector<std::uint32_t> parts_with(const Envelope& envelope, const std::vector<std::uint32_t>& targets);

// What was last heard about a target that is not finished.
struct TargetAnswer {
  std::uint32_t target = 0;  // its number
  std::uint16_t code = 0;    // of an SMTP reply; 0: there was none
  std::string enhanced;      // RFC 3463
  std::string text;          // of the reply, or for people
  std::string host;          // whose reply it is; empty: this system's own
  std::string address;       // of that host, as text
  std::uint8_t failure = 0;  // how it came about, as the dispatcher numbers it
  std::uint8_t stage = 0;    // the same
  std::uint64_t time = 0;    // microseconds since 1970
  auto operator<=>(const TargetAnswer&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.target, m.code, m.enhanced, m.text, m.host, m.address, m.failure, m.stage, m.time);
  }
};
// What a sender who has asked for it (RFC 3461, NOTIFY=SUCCESS) is to hear of a target.
enum class Success : std::uint8_t {
  delivered,  // in a mailbox, or taken by an LMTP server
  relayed,    // taken by a host that does not report
  kLast = relayed
};
struct OwedReport {
  Success success{};
  TargetAnswer answer;
  auto operator<=>(const OwedReport&) const = default;
  static auto fields(auto& m) { return std::tie(m.success, m.answer); }
};

// For people: "451 4.7.1 try later", "no space: No space left on device".
std::string answer_text(const TargetAnswer& answer);

struct PartProgress {
  std::uint32_t attempts = 0;
  std::uint64_t next_attempt = 0;  // microseconds since 1970
  auto operator<=>(const PartProgress&) const = default;
  static auto fields(auto& m) { return std::tie(m.attempts, m.next_attempt); }
};

struct Progress {
  std::vector<PartProgress> parts;  // of each part, or empty: nothing has been attempted
  bool held = false;
  bool warned = false;                  // the sender has heard of the delay
  std::vector<std::uint32_t> finished;  // target numbers, ascending
  std::vector<TargetAnswer> answers;    // of targets that are not finished, ascending
  std::string problem;                  // why it is held; for people
  auto operator<=>(const Progress&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.parts, m.held, m.warned, m.finished, m.answers, m.problem);
  }
};

}  // namespace mailroom::queue
