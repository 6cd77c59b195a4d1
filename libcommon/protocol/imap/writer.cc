#include "libcommon/protocol/imap/writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "libcommon/protocol/imap/mailbox_name.h"
#include "libcommon/protocol/imap/scanner.h"
#include "libcommon/text/ascii.h"

namespace mailroom::imap {
namespace {

// RFC 2683 section 3.4.5: long strings are literals.
constexpr std::size_t kMaxQuoted = 1024;

bool is_quotable(char c) { return !is_8bit(c) && c != '\r' && c != '\n' && c != '\0'; }

}  // namespace

void append_string(std::string& out, std::string_view text) {
  if (text.size() > kMaxQuoted || !std::all_of(text.begin(), text.end(), is_quotable)) {
    fmt::format_to(std::back_inserter(out), "{{{}}}\r\n", text.size());
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_astring(std::string& out, std::string_view text) {
  const bool atom = !text.empty() && std::all_of(text.begin(), text.end(), is_astring_char);
  if (atom && !equals_ignoring_case(text, "NIL")) {
    out += text;
  } else {
    append_string(out, text);
  }
}

void append_mailbox(std::string& out, std::string_view utf8_name) {
  append_astring(out, encode_mailbox_name(utf8_name));
}

}  // namespace mailroom::imap
