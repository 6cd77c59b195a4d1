// Reports: whatever is put into one, its header has exactly its own fields, its parts are three, and its
// lines are lines.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/protocol/dsn/encoding.h"
#include "libcommon/protocol/dsn/report.h"
#include "libcommon/protocol/rfc5322/header.h"

using namespace mailroom;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// The input is cut at each 0xff; a piece that is missing is empty.
std::string take(std::string_view& input) {
  const std::size_t end = input.find('\xff');
  const std::string piece{input.substr(0, end)};
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  return piece;
}

dsn::Recipient take_recipient(std::string_view& input, std::uint8_t selector) {
  dsn::Recipient recipient;
  recipient.action = static_cast<dsn::Action>(selector % 5);
  recipient.address = take(input);
  recipient.orcpt = take(input);
  recipient.status = take(input);
  recipient.host = take(input);
  recipient.reply = take(input);
  recipient.problem = take(input);
  return recipient;
}

void check_header(const std::string& text) {
  static constexpr std::string_view kOurs[] = {"Date",         "From",           "To",
                                               "Subject",      "Message-ID",     "In-Reply-To",
                                               "References",   "Auto-Submitted", "X-Mailroom-Report",
                                               "MIME-Version", "Content-Type",   "Content-Transfer-Encoding"};
  std::size_t next = 0;
  for (const auto& field : rfc5322::index_fields(text)) {
    while (next < std::size(kOurs) && field.name != kOurs[next]) ++next;
    require(next++ < std::size(kOurs));
  }
}

void check_boundary(const std::string& text) {
  constexpr std::string_view kParameter = "boundary=\"";
  const std::size_t begin = text.rfind(kParameter, rfc5322::header_size(text)) + kParameter.size();
  const std::string delimiter = "\r\n--" + text.substr(begin, text.find('"', begin) - begin);
  unsigned found = 0;
  for (std::size_t at = text.find(delimiter); at != std::string::npos; at = text.find(delimiter, at + 1))
    ++found;
  require(found == 4);
  require(text.ends_with(delimiter + "--\r\n"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view input{reinterpret_cast<const char*>(data), size};
  const std::uint8_t selector = data[0], recipients = data[1] % 4;
  input.remove_prefix(2);
  dsn::Report report;
  report.host = "mail.campus.example";
  report.from = "postmaster@campus.example";
  report.id = "1.2";
  report.recipient = take(input);
  report.envid = take(input);
  for (std::uint8_t i = 0; i <= recipients; ++i) report.recipients.push_back(take_recipient(input, selector));
  const auto part = (selector & 0x80) != 0 ? dsn::Return::whole : dsn::Return::header;
  const auto transport = (selector & 0x40) != 0 ? dsn::Transport::eight_bit : dsn::Transport::seven_bit;
  const auto composed = dsn::compose(report, {input, part}, transport);
  check_header(composed.content);
  check_boundary(composed.content);
  require(composed.smtputf8 || transport == dsn::Transport::eight_bit || dsn::is_ascii(composed.content));
  require(dsn::is_answer(composed.content, report.host));
  (void)dsn::is_answer(input, report.host);
  return 0;
}
