#include "libcommon/protocol/dsn/delivery_status.h"

#include <fmt/format.h>

#include "libcommon/protocol/dsn/advice.h"
#include "libcommon/protocol/dsn/encoding.h"
#include "libcommon/protocol/rfc5322/date_time.h"
#include "libcommon/protocol/smtp/xtext.h"
#include "libcommon/text/ascii.h"

namespace mailroom::dsn {
namespace {

constexpr std::size_t kMaxEnvid = 100;  // RFC 3461 section 4.4

std::string date(std::int64_t seconds) { return rfc5322::format_date_time(rfc5322::to_date_time(seconds)); }

// "rfc822; address", or of an internationalized one "utf-8; address" (RFC 6533 section 3).
std::string typed_address(std::string_view address, Charset charset) {
  if (is_ascii(address)) return "rfc822; " + printable(address, kMaxAddress);
  const std::string shown = printable_utf8(address, kMaxAddress);
  return "utf-8; " + (charset == Charset::utf8 ? shown : utf8_address_xtext(shown));
}

// ORCPT as RFC 3464 2.3.1 wants it: decoded, but for the forms of the type utf-8.
std::string original_recipient(std::string_view orcpt, Charset charset) {
  const std::size_t semicolon = orcpt.find(';');
  const std::string type = printable(orcpt.substr(0, semicolon), kMaxAddress);
  const std::string_view address = orcpt.substr(semicolon + 1);
  if (!equals_ignoring_case(type, "utf-8"))
    return type + "; " + printable(smtp::decode_xtext(address).value_or(std::string{address}), kMaxAddress);
  if (is_ascii(address)) return type + "; " + printable(address, kMaxAddress);
  const std::string shown = printable_utf8(address, kMaxAddress);
  return type + "; " + (charset == Charset::utf8 ? shown : utf8_address_xtext(shown));
}

char class_of(Action action) {
  constexpr char kClasses[] = {'5', '4', '2', '2', '2'};
  return kClasses[static_cast<unsigned>(action)];
}

// What was tried in vain until its time was over may keep the class of its last failure (RFC 3464 2.3.4).
bool is_status_of(std::string_view status, Action action) {
  if (!is_status(status)) return false;
  return status.front() == class_of(action) || (action == Action::failed && status.front() == '4');
}

std::string status_of(const Recipient& recipient) {
  if (is_status_of(recipient.status, recipient.action)) return recipient.status;
  return fmt::format("{}.0.0", class_of(recipient.action));
}

std::string per_recipient(const Report& report, const Recipient& recipient, Charset charset) {
  std::string out = "\r\n";
  if (recipient.orcpt.find(';') != std::string::npos)
    out += field("Original-Recipient", original_recipient(recipient.orcpt, charset));
  out += field("Final-Recipient", typed_address(recipient.address, charset));
  out += field("Action", action_name(recipient.action));
  out += field("Status", status_of(recipient));
  if (!recipient.host.empty()) out += field("Remote-MTA", "dns; " + printable(recipient.host, kMaxAddress));
  if (!recipient.reply.empty()) {
    out += field("Diagnostic-Code", "smtp; " + printable(recipient.reply, kMaxDiagnostic));
  } else if (!recipient.problem.empty()) {
    out += field("Diagnostic-Code", "X-Mailroom; " + printable(recipient.problem, kMaxDiagnostic));
  }
  if (recipient.attempted != 0) out += field("Last-Attempt-Date", date(recipient.attempted));
  if (recipient.action == Action::delayed && report.tried_until != 0)
    out += field("Will-Retry-Until", date(report.tried_until));
  return out;
}

}  // namespace

std::string delivery_status(const Report& report, Charset charset) {
  std::string out;
  if (!report.envid.empty())
    out += field("Original-Envelope-Id",
                 printable(smtp::decode_xtext(report.envid).value_or(report.envid), kMaxEnvid));
  out += field("Reporting-MTA", "dns; " + printable(report.host, kMaxAddress));
  if (report.arrived != 0) out += field("Arrival-Date", date(report.arrived));
  for (const Recipient& recipient : report.recipients) out += per_recipient(report, recipient, charset);
  return out;
}

}  // namespace mailroom::dsn
