// Peers of the SMTP engine in memory: a policy with a handful of recipients, a spool that keeps what it is
// given.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "daemons/log.h"
#include "daemons/smtpd/session.h"
#include "libcommon/protocol/sasl/login.h"
#include "libcommon/protocol/sasl/plain.h"
#include "spool/queue/queue_id.h"
#include "tests/transcripts/transcript.h"

namespace mailroom {

using Events = std::vector<std::string>;

inline void silence_log() {
  static const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  log::set_up({.fd = nowhere});
}

// user@local.example and all others there exist, but nobody@; full@ is over quota, gone@ finds the server
// gone.
class FakePolicy : public Policy {
 public:
  explicit FakePolicy(Events& events) : events_{events} {}

  Verdict check_sender(const CheckSender& request) override {
    events_.push_back(fmt::format("sender {} <{}>", request.transaction, request.reverse_path));
    if (request.reverse_path == "forged@local.example") return refusal(553, "5.7.1", "Not your address");
    return {request.transaction, {250, "2.1.0", "OK"}, "own-address", 0};
  }

  Verdict check_recipient(const CheckRecipient& request) override {
    const RecipientParameters& parameters = request.recipient;
    events_.push_back(fmt::format("recipient {} <{}> <{}>{}{}{}", request.transaction,
                                  transcript::escape(request.reverse_path),
                                  transcript::escape(request.forward_path),
                                  request.mail.envid.empty() ? "" : " envid=" + request.mail.envid,
                                  parameters.notify == 0 ? "" : fmt::format(" notify={}", parameters.notify),
                                  parameters.orcpt.empty() ? "" : " orcpt=" + parameters.orcpt));
    if (request.forward_path == "nobody@local.example") return refusal(550, "5.1.1", "No such user here");
    if (request.forward_path == "full@local.example") return refusal(452, "4.2.2", "The mailbox is full");
    if (request.forward_path == "gone@local.example") return refusal(421, "4.3.2", "Not now; try again");
    if (!request.forward_path.ends_with("@local.example"))
      return refusal(550, "5.7.1", "Log in to send elsewhere");
    return {request.transaction, {250, "2.1.5", "Recipient OK"}, "local", 1000 + request.transaction};
  }

  void reset() override { events_.push_back("policy reset"); }

 private:
  static Verdict refusal(unsigned code, const char* enhanced, const char* text) {
    return {0, {static_cast<std::uint16_t>(code), enhanced, text}, "test", 0};
  }

  Events& events_;
};

class FakeSpool : public Spool {
 public:
  explicit FakeSpool(Events& events) : events_{events} {}

  void begin(TransactionId transaction) override {
    transaction_ = transaction;
    content_.clear();
    open_ = true;
  }
  void write(std::string_view chunk) override {
    if (!open_ || chunk.size() > kContentChunk) events_.push_back("wrong write");
    ++writes;
    content_ += chunk;
  }
  Reply commit(std::string_view last) override {
    if (!open_ || last.size() > kContentChunk) events_.push_back("wrong commit");
    open_ = false;
    content_ += last;
    const std::size_t date = content_.find(kDate);
    received = content_.substr(0, date + kDate.size());
    messages.push_back(content_.substr(date + kDate.size()));
    events_.push_back(fmt::format("message {} {}", transaction_, transcript::escape(messages.back())));
    return answer;
  }
  void abort() override {
    if (!open_) events_.push_back("wrong abort");
    open_ = false;
    events_.push_back(fmt::format("abort {}", transaction_));
  }

  Reply answer{250, "2.0.0", "Queued"};
  std::vector<std::string> messages;  // without this server's Received field
  std::string received;               // of the last one
  unsigned writes = 0;

 private:
  static constexpr std::string_view kDate = "\tThu, 1 Jan 1970 00:00:00 +0000\r\n";
  Events& events_;
  TransactionId transaction_ = 0;
  std::string content_;
  bool open_ = false;
};

// PLAIN and LOGIN for user, password "secret"; other names with that password show the other outcomes.
class FakeAuthenticator : public Authenticator {
 public:
  explicit FakeAuthenticator(Events& events) : events_{events} {}

  AuthStep start(std::string_view mechanism, std::optional<std::string_view> initial_response) override {
    events_.push_back(fmt::format("auth {}", mechanism));
    plain_ = mechanism == "PLAIN";
    if (plain_) return initial_response ? respond(*initial_response) : AuthStep{AuthChallenge{}};
    if (mechanism != "LOGIN") return AuthFailure{AuthFailure::Kind::unsupported_mechanism};
    login_ = {};
    return step_of(login_.start(initial_response));
  }

  AuthStep respond(std::string_view data) override {
    if (!plain_) {
      auto step = login_.respond(data);
      return step ? step_of(std::move(*step)) : failure(step.error());
    }
    const auto credentials = sasl::parse_plain(data);
    return credentials ? check(*credentials) : failure(credentials.error());
  }

  void cancel() override { events_.push_back("auth cancelled"); }

 private:
  static AuthStep failure(sasl::Fault fault) {
    const bool malformed = fault == sasl::Fault::malformed;
    return AuthFailure{malformed ? AuthFailure::Kind::malformed : AuthFailure::Kind::bad_credentials};
  }
  AuthStep step_of(sasl::LoginServer::Step step) {
    if (const auto* challenge = std::get_if<std::string_view>(&step))
      return AuthChallenge{std::string(*challenge)};
    return check(std::get<sasl::Credentials>(step));
  }
  AuthStep check(const sasl::Credentials& credentials) {
    using Kind = AuthFailure::Kind;
    if (credentials.password != "secret") return AuthFailure{Kind::bad_credentials};
    if (credentials.authcid == "expired") return AuthFailure{Kind::expired};
    if (credentials.authcid == "off") return AuthFailure{Kind::service_off};
    if (credentials.authcid == "unlucky") return AuthFailure{Kind::unavailable};
    if (credentials.authcid == "many") return AuthFailure{Kind::too_many};
    if (credentials.authcid != "user") return AuthFailure{Kind::bad_credentials};
    events_.push_back("logged in");
    return AuthSuccess{};
  }

  Events& events_;
  bool plain_ = false;
  sasl::LoginServer login_;
};

class FakeTls : public TlsUpgrade {
 public:
  explicit FakeTls(transcript::ScriptStream& stream) : stream_{stream} {}
  Stream& start() override {
    stream_.mark("<TLS>");
    return stream_;
  }

 private:
  transcript::ScriptStream& stream_;
};

class FakeClock : public Clock {
 public:
  std::chrono::steady_clock::time_point now() override { return time; }
  std::chrono::sys_seconds date() override { return {}; }
  void pause(std::chrono::milliseconds length) override {
    time += length;
    paused += length;
  }

  std::chrono::steady_clock::time_point time{};
  std::chrono::milliseconds paused{};
};

}  // namespace mailroom
