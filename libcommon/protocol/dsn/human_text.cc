#include "libcommon/protocol/dsn/human_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/protocol/dsn/advice.h"
#include "libcommon/protocol/dsn/encoding.h"
#include "libcommon/protocol/rfc5322/date_time.h"

namespace mailroom::dsn {
namespace {

constexpr std::size_t kWidth = 72;
constexpr std::string_view kDomain = "$DOMAIN";
constexpr std::string_view kBody = "    ", kQuote = "        ";

struct Words {
  std::string_view summary;
  std::string_view opening;  // of the text
};

const Words& words_of(Action action) {
  static constexpr Words kWords[] = {
      {"Not delivered",
       "Your message could not be delivered. For each address it is said below what happened."},
      {"Delayed", "Your message has not arrived yet. You need not do anything, and should not send it again: "
                  "delivery is "
                  "tried on."},
      {"Delivered", "Your message has been delivered. You asked to be told."},
      {"Passed on",
       "Your message has been passed on. You asked to be told when it is delivered, but the next mail system "
       "does not report that."},
      {"Delivered to a list", "Your message has been delivered to a mailing list. You asked to be told."},
  };
  return kWords[static_cast<unsigned>(action)];
}

// The recipients may have met different fates; the worst is the report's.
Action gravest(const Report& report) {
  Action worst = Action::expanded;
  for (const Recipient& recipient : report.recipients) worst = std::min(worst, recipient.action);
  return worst;
}

std::string date(std::int64_t seconds) { return rfc5322::format_date_time(rfc5322::to_date_time(seconds)); }

std::string domain_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos || at + 1 == address.size()) return "the receiving mail system";
  return printable_utf8(address.substr(at + 1), kMaxAddress);
}

std::string with_domain(std::string_view text, std::string_view address) {
  std::string out{text};
  const std::size_t place = out.find(kDomain);
  if (place != std::string::npos) out.replace(place, kDomain.size(), domain_of(address));
  return out;
}

std::string paragraph(std::string_view text) { return wrapped(text, kBody, kWidth); }

// What happened, without advice.
std::string happened(const Recipient& recipient) {
  const std::string host = printable(recipient.host, kMaxAddress);
  switch (recipient.action) {
  case Action::failed:
    return (recipient.expired ? "It was tried again and again, and is given up now. The last time: " : "") +
           with_domain(advice_for(recipient.status).what, recipient.address);
  case Action::delayed:
    return "So far: " + with_domain(advice_for(recipient.status).what, recipient.address);
  case Action::delivered:
    return "It is in the mailbox.";
  case Action::relayed:
    return fmt::format("It was passed on to {}.", host.empty() ? "the next mail system" : host);
  case Action::expanded:
    return "It was given to the members of the list.";
  }
  return {};
}

std::string quoted_words(const Recipient& recipient) {
  if (recipient.reply.empty() && recipient.problem.empty()) return {};
  if (recipient.reply.empty())
    return paragraph("In technical words: " + printable(recipient.problem, kMaxDiagnostic));
  const std::string host = printable(recipient.host, kMaxAddress);
  return paragraph(fmt::format("{} said:", host.empty() ? "The receiving mail system" : host)) +
         wrapped(printable(recipient.reply, kMaxDiagnostic), kQuote, kWidth);
}

bool has_trouble(const Recipient& recipient) {
  return recipient.action == Action::failed || recipient.action == Action::delayed;
}

std::string describe(const Recipient& recipient) {
  std::string text = printable_utf8(recipient.address, kMaxAddress) + "\r\n" + paragraph(happened(recipient));
  if (has_trouble(recipient)) text += quoted_words(recipient);
  if (recipient.action == Action::failed)
    text += paragraph(with_domain(advice_for(recipient.status).to_do, recipient.address));
  return text + "\r\n";
}

std::string describe_all(const Report& report) {
  std::string text;
  const std::size_t described = std::min(report.recipients.size(), kMaxDescribed);
  for (std::size_t i = 0; i < described; ++i) text += describe(report.recipients[i]);
  if (described < report.recipients.size())
    text += fmt::format("And {} more recipients: see the next part of this report.\r\n\r\n",
                        report.recipients.size() - described);
  return text;
}

std::string closing(const Report& report, Action worst, Return part) {
  std::string text;
  if (worst == Action::delayed && report.tried_until != 0)
    text += fmt::format("Delivery is tried until {}.\r\nYou will be told if it fails.\r\n\r\n",
                        date(report.tried_until));
  text +=
      part == Return::whole ? "Your message is attached.\r\n" : "The header of your message is attached.\r\n";
  text +=
      fmt::format("\r\nThis report was made by the mail system {}.\r\nIf you need help, forward all of it to "
                  "{}.\r\n",
                  printable(report.host, kMaxAddress), printable_utf8(report.from, kMaxAddress));
  return text;
}

}  // namespace

std::string_view summary(const Report& report) { return words_of(gravest(report)).summary; }

std::string human_text(const Report& report, std::string_view subject, Return part) {
  const Action worst = gravest(report);
  std::string text = wrapped(words_of(worst).opening, "", kWidth) + "\r\n";
  if (!subject.empty()) text += fmt::format("    Subject: {}\r\n", subject);
  text += fmt::format("    Sent:    {}\r\n\r\n", date(report.arrived));
  return text + describe_all(report) + closing(report, worst, part);
}

}  // namespace mailroom::dsn
