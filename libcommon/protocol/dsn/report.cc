#include "libcommon/protocol/dsn/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libcommon/protocol/dsn/delivery_status.h"
#include "libcommon/protocol/dsn/encoding.h"
#include "libcommon/protocol/dsn/human_text.h"
#include "libcommon/protocol/mime/encoded_word.h"
#include "libcommon/protocol/rfc5322/date_time.h"
#include "libcommon/protocol/rfc5322/header.h"
#include "libcommon/protocol/rfc5322/message_id.h"
#include "libcommon/protocol/smtp/address.h"
#include "libcommon/text/ascii.h"

namespace mailroom::dsn {
namespace {

constexpr std::size_t kMaxMessageId = 250;  // RFC 5322 2.1.1: a line of at most 998 holds it and more
constexpr std::size_t kMaxLine = 998;       // RFC 5322 2.1.1, RFC 2045 2.8
constexpr std::size_t kMaxAutoSubmitted = 200;

// One part of the multipart: the fields of its header, and its body, which ends in CRLF.
struct Part {
  std::string_view type;
  std::string_view encoding;
  std::string body;
};

std::string value_of(std::string_view header, std::string_view name) {
  const auto found = rfc5322::find_field(header, name);
  return found ? rfc5322::unfold(found->value) : std::string{};
}

std::string subject_of(std::string_view header) {
  constexpr std::size_t kRead = 4 * kMaxSubject;
  const std::string raw = value_of(header, "Subject");
  return printable_utf8(mime::decode_encoded_words(std::string_view{raw}.substr(0, kRead)), kMaxSubject);
}

// "left@right" of the message, when nothing in it could be read differently.
std::string message_id_of(std::string_view header) {
  const auto ids = rfc5322::parse_message_ids(value_of(header, "Message-ID"));
  const auto is_plain = [](char c) {
    return is_visible(c) && std::string_view("<>()\\\",;:").find(c) == std::string_view::npos;
  };
  if (ids.empty() || ids.front().size() > kMaxMessageId || !std::ranges::all_of(ids.front(), is_plain))
    return {};
  return ids.front();
}

// Seven bits, lines that every host takes.
bool is_plain(std::string_view content) {
  if (!is_ascii(content)) return false;
  while (!content.empty()) {
    const std::size_t end = content.find('\n');
    if (std::min(end, content.size()) > kMaxLine) return false;
    if (end == std::string_view::npos) break;
    content.remove_prefix(end + 1);
  }
  return true;
}

std::string ending_in_crlf(std::string_view text) {
  std::string out{text};
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

// Whole fields only.
std::string_view bounded_header(std::string_view content) {
  std::string_view header = content.substr(0, rfc5322::header_size(content));
  if (header.ends_with("\r\n\r\n")) header.remove_suffix(2);
  if (header.size() <= kMaxReturnedHeader) return header;
  const std::size_t end = header.rfind("\r\n", kMaxReturnedHeader);
  return end == std::string_view::npos ? std::string_view{} : header.substr(0, end + 2);
}

Part text_part(const Report& report, std::string_view subject, Return part) {
  std::string text = human_text(report, subject, part);
  if (is_ascii(text)) return {"text/plain; charset=us-ascii", "7bit", std::move(text)};
  return {"text/plain; charset=utf-8", "quoted-printable", quoted_printable(text)};
}

Part status_part(const Report& report, Charset charset) {
  if (charset == Charset::utf8)
    return {"message/global-delivery-status", "8bit", delivery_status(report, charset)};
  return {"message/delivery-status", "7bit", delivery_status(report, charset)};
}

Part header_part(std::string_view content, Charset charset) {
  const std::string_view header = bounded_header(content);
  const bool plain = is_plain(header);
  const std::string_view type = plain                      ? "text/rfc822-headers"
                                : charset == Charset::utf8 ? "message/global-headers"
                                                           : "text/rfc822-headers; charset=utf-8";
  if (plain) return {type, "7bit", ending_in_crlf(header)};
  return {type, "quoted-printable", ending_in_crlf(quoted_printable(header))};
}

Part message_part(std::string_view content, Charset charset) {
  return {charset == Charset::utf8 ? "message/global" : "message/rfc822", is_plain(content) ? "7bit" : "8bit",
          ending_in_crlf(content)};
}

// Not in any part, so that nothing in a returned message ends the part that it is in.
std::string boundary_for(const Report& report, const std::array<Part, 3>& parts) {
  std::string boundary = "=_report_" + report.id;
  for (unsigned n = 0; std::ranges::any_of(
           parts, [&](const Part& part) { return part.body.find(boundary) != std::string::npos; });
       ++n)
    boundary = fmt::format("=_report_{}_{}", report.id, n);
  return boundary;
}

std::string header_of(const Report& report, std::string_view original, std::string_view subject,
                      std::string_view boundary, Charset charset) {
  const bool addressable = smtp::parse_mailbox(report.recipient).has_value();
  std::string out = field("Date", rfc5322::format_date_time(rfc5322::to_date_time(report.now)));
  out += fmt::format("From: Mail Delivery System <{}>\r\n", printable_utf8(report.from, kMaxAddress));
  out += addressable ? fmt::format("To: <{}>\r\n", printable_utf8(report.recipient, kMaxAddress))
                     : std::string{"To: undisclosed-recipients:;\r\n"};
  const std::string about = fmt::format("{}{}{}", summary(report), subject.empty() ? "" : ": ", subject);
  out += fmt::format("Subject: {}\r\n", encoded_words(about));
  out += fmt::format("Message-ID: <{}@{}>\r\n", report.id, printable(report.host, kMaxAddress));
  if (const std::string id = message_id_of(original); !id.empty())
    out += fmt::format("In-Reply-To: <{0}>\r\nReferences: <{0}>\r\n", id);
  out += "Auto-Submitted: auto-replied\r\n";
  if (report.tls_optional) out += "TLS-Required: No\r\n";
  out += field(kIdentityField, printable(report.host, kMaxAddress));
  out += "MIME-Version: 1.0\r\n";
  out += fmt::format("Content-Type: multipart/report; report-type={};\r\n boundary=\"{}\"\r\n",
                     charset == Charset::utf8 ? "global-delivery-status" : "delivery-status", boundary);
  return out;
}

}  // namespace

Composed compose(const Report& report, const Original& original, Transport transport) {
  const Charset charset = is_ascii(report.recipient) ? Charset::ascii : Charset::utf8;
  const bool transparent = transport == Transport::eight_bit || charset == Charset::utf8;
  const bool whole = original.part == Return::whole && (transparent || is_plain(original.content));
  const std::string_view original_header = original.content.substr(0, rfc5322::header_size(original.content));
  const std::string subject = subject_of(original_header);
  const std::array<Part, 3> parts{
      text_part(report, subject, whole ? Return::whole : Return::header), status_part(report, charset),
      whole ? message_part(original.content, charset) : header_part(original.content, charset)};
  const std::string boundary = boundary_for(report, parts);

  Composed out{header_of(report, original_header, subject, boundary, charset), charset == Charset::utf8,
               std::ranges::any_of(parts, [](const Part& part) { return part.encoding == "8bit"; })};
  if (out.eight_bit) out.content += "Content-Transfer-Encoding: 8bit\r\n";
  out.content += "\r\n";
  for (const Part& part : parts)
    out.content += fmt::format("--{}\r\nContent-Type: {}\r\nContent-Transfer-Encoding: {}\r\n\r\n{}\r\n",
                               boundary, part.type, part.encoding, part.body);
  out.content += fmt::format("--{}--\r\n", boundary);
  return out;
}

bool is_answer(std::string_view header, std::string_view host) {
  const std::string automatic = value_of(header, "Auto-Submitted");
  if (starts_with_ignoring_case(std::string_view{automatic}.substr(0, kMaxAutoSubmitted), "auto-replied"))
    return true;
  return equals_ignoring_case(value_of(header, kIdentityField), host);
}

}  // namespace mailroom::dsn
