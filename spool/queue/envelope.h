// The envelope of a queued message, and how far its delivery has come.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

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

struct Envelope {
  std::uint64_t connection = 0;  // for the log
  std::string submitter;         // the logged-in account's name, or empty
  std::string reverse_path;      // without angle brackets; empty: the null reverse-path
  std::string envid;             // RFC 3461, in xtext
  std::uint8_t body = 0;         // of MAIL (RFC 6152)
  std::uint8_t ret = 0;          // of MAIL (RFC 3461)
  bool smtputf8 = false;         // RFC 6531
  bool requiretls = false;       // RFC 8689
  std::vector<EnvelopeRecipient> recipients;
  std::vector<Target> targets;

  auto operator<=>(const Envelope&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.connection, m.submitter, m.reverse_path, m.envid, m.body, m.ret, m.smtputf8,
                    m.requiretls, m.recipients, m.targets);
  }
};

struct Progress {
  std::uint32_t attempts = 0;
  std::uint64_t next_attempt = 0;  // microseconds since 1970
  bool held = false;
  std::vector<std::uint32_t> finished;  // target numbers, ascending
  std::string problem;                  // why the last attempt did not finish, or why it is held; for people
  auto operator<=>(const Progress&) const = default;
  static auto fields(auto& m) { return std::tie(m.attempts, m.next_attempt, m.held, m.finished, m.problem); }
};

}  // namespace mailroom::queue
