// Command lines of SMTP: whatever is taken is canonical, within its limits and free of control characters.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/command.h"
#include "libcommon/protocol/smtp/xtext.h"

using namespace mailroom::smtp;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_clean(std::string_view text) {
  for (const char c : text) {
    if ((c >= 0 && c < ' ') || c == '\x7f') return false;
  }
  return true;
}

void check_mailbox(const Mailbox& mailbox) {
  const std::string text = mailbox.text();
  require(is_clean(text));
  require(mailbox.domain.size() <= kMaxDomain);
  if (mailbox.domain.empty()) return;
  const auto again = parse_mailbox(text);
  if (again) {
    require(*again == mailbox);
  } else {
    require(again.error() == AddressFault::too_long);  // quoting what needs none made it longer
  }
}

void check_mail(std::string_view argument) {
  const auto mail = parse_mail(argument);
  if (!mail) return require(mail.error().code >= 500);
  if (mail->reverse_path) check_mailbox(*mail->reverse_path);
  require(mail->size <= kMaxSize && mail->envid.size() <= kMaxEnvid && decode_xtext(mail->envid));
}

void check_rcpt(std::string_view argument) {
  for (const auto smtputf8 : {Smtputf8::no, Smtputf8::yes}) {
    const auto rcpt = parse_rcpt(argument, smtputf8);
    if (!rcpt) continue;
    check_mailbox(rcpt->forward_path);
    require(rcpt->forward_path.local_part.size() <= kMaxLocalPart);
    require(rcpt->orcpt.empty() || is_original_recipient(rcpt->orcpt));
    require(is_clean(rcpt->orcpt));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line{reinterpret_cast<const char*>(data), size};
  (void)is_http_request(line);
  const auto command = split_command_line(line);
  if (!command) return 0;
  const std::string_view argument = command->argument;
  require(argument.find_first_of("\r\n") == std::string_view::npos);
  check_mail(argument);
  check_rcpt(argument);
  if (const auto helo = parse_helo(argument)) require(is_clean(*helo) && helo->size() <= kMaxDomain);
  if (const auto bdat = parse_bdat(argument)) require(bdat->size <= kMaxSize);
  if (const auto auth = parse_auth(argument)) require(auth->mechanism.size() <= kMaxMechanism);
  return 0;
}
