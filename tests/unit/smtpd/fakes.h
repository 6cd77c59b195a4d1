// Peers of the SMTP engine in memory: a policy with a handful of recipients, a spool that keeps what it is
// given.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "daemons/smtpd/session.h"
#include "spool/queue/queue_id.h"
#include "tests/transcripts/fakes.h"

namespace mailroom {

using transcript::Events;
using transcript::FakeAuthenticator;
using transcript::FakeClock;
using transcript::FakeTls;
using transcript::silence_log;

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

  policy::Quirks device_quirks() override {
    events_.push_back("quirks");
    return quirks;
  }

  void reset() override { events_.push_back("policy reset"); }

  policy::Quirks quirks;  // of the device that the client is

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
  void write(std::string chunk) override {
    if (!open_ || chunk.size() > kContentChunk) events_.push_back("wrong write");
    ++writes;
    content_ += chunk;
  }
  Reply commit(std::string last) override {
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

}  // namespace mailroom
