// Messages: there is always a tree, it holds together, its rendering is balanced, and the index gives it
// back.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libcommon/protocol/mime/imap_render.h"
#include "libcommon/protocol/mime/search.h"
#include "libcommon/protocol/mime/section.h"
#include "libcommon/protocol/mime/summary.h"

using namespace mailroom;
using namespace mailroom::mime;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

// Octets of the string that begins here: quoted, or a literal with its count.
std::size_t string_size(std::string_view text) {
  if (text.front() == '{') {
    const auto end = text.find("}\r\n");
    check(end != text.npos);
    return end + 3 + std::stoul(std::string(text.substr(1, end - 1)));
  }
  std::size_t at = 1;
  while (text.at(at) != '"') at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

// One parenthesised list and nothing else; no control, no 8-bit octet outside of literals, no NUL at all.
void check_list(std::string_view text) {
  check(text.find('\0') == text.npos);
  std::size_t depth = 0, at = 0;
  do {
    const char c = text.at(at);
    if (c == '"' || c == '{') {
      at += string_size(text.substr(at));
      check(at < text.size());
      continue;
    }
    check(c >= ' ' && c < '\x7f');
    depth += c == '(' ? 1 : 0;
    depth -= c == ')' ? 1 : 0;
    ++at;
  } while (depth > 0);
  check(at == text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto message = parse_message(bytes);
  check(decode_summary(encode_summary(message)) == message);
  for (const auto form : {BodyForm::basic, BodyForm::extended}) {
    std::string out;
    render_bodystructure(message, form, out);
    check_list(out);
  }
  std::string out;
  render_envelope(message.envelope(), out);
  check_list(out);
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::uint32_t path[] = {i, 1, i};
    for (const auto kind : {SectionKind::whole, SectionKind::header, SectionKind::text, SectionKind::mime}) {
      for (std::size_t length = 0; length <= 3; ++length) {
        const auto range = find_section(message, std::span(path).first(length), kind);
        if (range) check(range->begin + range->size <= size);
      }
    }
  }
  static const auto key = SearchKey::make("\xc3\xa4x").value();
  message_contains(message, bytes, SearchScope::text, key);
  return 0;
}
