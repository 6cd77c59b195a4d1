// policyd decides: which account may start on a connection, and which envelope a connection may submit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "daemons/channels/types.h"
#include "libcommon/policy/quirks.h"
#include "libcommon/policy/report_refusal.h"
#include "libcommon/routing/next_hop.h"
#include "libcommon/routing/sts_policy.h"

namespace mailroom {

// listener -> policyd (ConnectionOpened with one descriptor for smtp services, none for pop3 and imap)
struct VerdictTaken {  // the listener has noted StartSession: policyd may tell authd, and authd the client
  ConnectionId connection = 0;
  static auto fields(auto& m) { return std::tie(m.connection); }
};
using ListenerToPolicyd = std::variant<ConnectionOpened, ConnectionClosed, VerdictTaken>;

// policyd -> listener
struct StartSession {  // the holder of this connection has proved to be this account; valid once, for ten
                       // seconds
  ConnectionId connection = 0;
  AccountId account = 0;
  std::string name;  // for the log
  static auto fields(auto& m) { return std::tie(m.connection, m.account, m.name); }
};
struct EndSessions {  // disabled, removed, or its password changed
  AccountId account = 0;
  static auto fields(auto& m) { return std::tie(m.account); }
};
using PolicydToListener = std::variant<StartSession, EndSessions>;

// DSN parameters of MAIL and RCPT (RFC 3461), as they came
enum class Notify : std::uint8_t { unset = 0, never = 1, success = 2, failure = 4, delay = 8, kLast = 15 };
enum class ReturnContent : std::uint8_t { unset, full, headers, kLast = headers };
enum class BodyType : std::uint8_t { seven_bit, eight_bit_mime, binary_mime, kLast = binary_mime };

struct MailParameters {
  std::uint64_t declared_size = 0;  // octets, 0: not declared
  BodyType body = BodyType::seven_bit;
  bool smtputf8 = false;
  bool requiretls = false;  // RFC 8689 2
  ReturnContent ret = ReturnContent::unset;
  std::string envid;  // still in xtext
  static auto fields(auto& m) {
    return std::tie(m.declared_size, m.body, m.smtputf8, m.requiretls, m.ret, m.envid);
  }
};

struct RecipientParameters {
  std::uint8_t notify = 0;  // bits of Notify
  std::string orcpt;        // still in xtext, with its address type
  static auto fields(auto& m) { return std::tie(m.notify, m.orcpt); }
};

// smtp connection -> policyd
struct CheckSender {  // only asked for a logged-in sender, so that the refusal comes at MAIL
  TransactionId transaction = 0;
  std::string reverse_path;
  static auto fields(auto& m) { return std::tie(m.transaction, m.reverse_path); }
};
struct CheckRecipient {  // a new transaction number opens a new envelope and withdraws the one before
  TransactionId transaction = 0;
  std::string helo;
  std::string reverse_path;  // without angle brackets; empty: the null reverse-path
  MailParameters mail;
  std::string forward_path;  // without angle brackets and source route
  RecipientParameters recipient;
  static auto fields(auto& m) {
    return std::tie(m.transaction, m.helo, m.reverse_path, m.mail, m.forward_path, m.recipient);
  }
};
struct ResetTransaction {
  static auto fields(auto&) { return std::tie(); }
};
struct AskQuirks {  // at the relay: what is forgiven the device that the client is
  static auto fields(auto&) { return std::tie(); }
};
using ConnectionToPolicyd = std::variant<CheckSender, CheckRecipient, ResetTransaction, AskQuirks>;

// policyd -> smtp connection
struct Verdict {
  TransactionId transaction = 0;
  Reply reply;
  std::string rule;      // the name of the rule that decided, for the log
  QueueId queue_id = 0;  // of the envelope that queued holds; 0 with a refusal
  static auto fields(auto& m) { return std::tie(m.transaction, m.reply, m.rule, m.queue_id); }
};
struct DeviceQuirks {  // the default for a client that is no active device
  policy::Quirks quirks;
  static auto fields(auto& m) { return std::tie(m.quirks); }
};
using PolicydToConnection = std::variant<Verdict, DeviceQuirks>;

// policyd -> queued: the only place that envelopes come from
struct Recipient {
  std::string address;  // forward-path as accepted
  std::vector<AccountId>
      accounts;        // the resolved local targets, without repeats; empty for a remote recipient
  std::string domain;  // of a remote recipient: where it goes is decided by this domain, or address literal;
                       // else empty
  RecipientParameters parameters;
  static auto fields(auto& m) { return std::tie(m.address, m.accounts, m.domain, m.parameters); }
};
struct AuthoriseRecipient {
  ConnectionId connection = 0;
  TransactionId transaction = 0;
  std::string reverse_path;
  MailParameters mail;
  std::string submitter;             // name of the account or device that speaks, empty for none
  std::string device;                // the registered device whose message it is; empty: of none
  bool is_stranger = false;          // the client has proved nothing, and is in no network of ours
  std::string helo;                  // of a stranger, as it said
  std::vector<std::string> authors;  // sender patterns (libcommon/policy/sender_pattern.h) of which
                                     // From: and Sender: may be; empty: any (RFC 5322 3.6.2)
  Recipient recipient;
  static auto fields(auto& m) {
    return std::tie(m.connection, m.transaction, m.reverse_path, m.mail, m.submitter, m.device, m.is_stranger,
                    m.helo, m.authors, m.recipient);
  }
};
struct WithdrawEnvelope {
  ConnectionId connection = 0;
  static auto fields(auto& m) { return std::tie(m.connection); }
};
// A message that the system itself writes: a daily report of RFC 8460, a notice to whoever answers for a
// device.  Answered by Submitted.
inline constexpr std::size_t kMaxSubmitted = 60 * 1024;
struct SubmitMessage {
  std::uint64_t number = 0;  // repeated in the answer
  std::string reverse_path;
  bool eight_bit = false;  // the content holds octets past ASCII (RFC 6152)
  Recipient recipient;
  std::string content;  // in wire form, with its header; at most kMaxSubmitted octets
  static auto fields(auto& m) {
    return std::tie(m.number, m.reverse_path, m.eight_bit, m.recipient, m.content);
  }
};
using PolicydToQueued = std::variant<AuthoriseRecipient, WithdrawEnvelope, SubmitMessage>;

// queued -> policyd
struct Authorised {
  ConnectionId connection = 0;
  TransactionId transaction = 0;
  QueueId queue_id = 0;  // 0: refused, see reply (no space, too many)
  Reply refusal;
  static auto fields(auto& m) { return std::tie(m.connection, m.transaction, m.queue_id, m.refusal); }
};
struct Submitted {
  std::uint64_t number = 0;
  QueueId queue_id = 0;  // durable; 0: not taken
  static auto fields(auto& m) { return std::tie(m.number, m.queue_id); }
};
using QueuedToPolicyd = std::variant<Authorised, Submitted>;

// queued asks policyd, on a channel of its own (queued-policyd).  Each question is answered, in any order.
struct ResolveAddress {  // where a report to this address goes
  std::uint64_t question = 0;
  std::string address;
  static auto fields(auto& m) { return std::tie(m.question, m.address); }
};
struct FindStsPolicy {  // RFC 8461: the cached policy of a domain; fetched first when the label is a new one
  std::uint64_t question = 0;
  std::string domain;
  std::string label;  // id of the _mta-sts TXT record; empty: there is none, or it is not known
  static auto fields(auto& m) { return std::tie(m.question, m.domain, m.label); }
};
// What came of attempts to speak TLS with mail hosts of a domain, for its report (RFC 8460).
struct TlsOutcome {
  std::string domain;
  routing::TlsReason reason =
      routing::TlsReason::default_policy;  // dane, mta_sts; all others: no policy was found
  std::vector<std::string> policy;         // of dane: the TLSA records in words
  std::string mx;
  std::string ip;
  std::string result;  // result type of RFC 8460 4.3; empty: success
  std::string detail;
  static auto fields(auto& m) {
    return std::tie(m.domain, m.reason, m.policy, m.mx, m.ip, m.result, m.detail);
  }
};
inline constexpr std::size_t kMaxTlsOutcomes = 50;  // in one message
struct TlsOutcomes {
  std::uint64_t question = 0;
  std::vector<TlsOutcome> outcomes;
  static auto fields(auto& m) { return std::tie(m.question, m.outcomes); }
};
// What went wrong with a message of a device could not be told to its sender: the report was refused for
// good, or nobody has the sender's address (REQUIREMENTS C8).  Said again until it is answered, so it counts
// once for each message.
struct ReportRefused {
  std::uint64_t question = 0;
  std::string device;
  std::string address;
  policy::RefusedAt at = policy::RefusedAt::here;
  Reply reply;
  QueueId queue_id = 0;  // of the device's message
  static auto fields(auto& m) { return std::tie(m.question, m.device, m.address, m.at, m.reply, m.queue_id); }
};
using QueuedAsksPolicyd = std::variant<ResolveAddress, FindStsPolicy, TlsOutcomes, ReportRefused>;

struct AddressResolved {
  std::uint64_t question = 0;
  bool unavailable = false;  // the directory cannot be read now
  Recipient recipient;       // neither accounts nor domain: nobody has that address
  static auto fields(auto& m) { return std::tie(m.question, m.unavailable, m.recipient); }
};
struct StsPolicyFound {
  std::uint64_t question = 0;
  routing::StsMode mode = routing::StsMode::none;
  std::vector<std::string> mx;  // patterns (RFC 8461 3.2)
  std::string problem;          // why there is none although there should be, for TLSRPT
  std::uint32_t ttl = 0;        // seconds the answer may be kept
  static auto fields(auto& m) { return std::tie(m.question, m.mode, m.mx, m.problem, m.ttl); }
};
struct RefusalNoted {  // what follows from it is on disk
  std::uint64_t question = 0;
  bool unavailable = false;  // it could not be written: say it again
  static auto fields(auto& m) { return std::tie(m.question, m.unavailable); }
};
struct TlsOutcomesCounted {
  std::uint64_t question = 0;
  static auto fields(auto& m) { return std::tie(m.question); }
};
using PolicydAnswersQueued = std::variant<AddressResolved, StsPolicyFound, RefusalNoted, TlsOutcomesCounted>;

}  // namespace mailroom
