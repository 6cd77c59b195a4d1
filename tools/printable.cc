#include "tools/printable.h"

#include <fmt/format.h>

#include <algorithm>

namespace mailroom {
namespace {

unsigned char octet(char c) { return static_cast<unsigned char>(c); }

// Of the sequence that begins the text, by its first octet and the form of the others (RFC 3629 section 3):
// it is enough to know what a terminal shows as one character.  0: it is none.
std::size_t sequence_length(std::string_view text) {
  const unsigned char lead = octet(text.front());
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (length > text.size()) return 0;
  for (const char c : text.substr(1, length - 1))
    if ((octet(c) & 0xc0) != 0x80) return 0;
  return length;
}

bool is_control(std::string_view sequence) {
  if (sequence.size() == 1) return octet(sequence[0]) < 0x20 || octet(sequence[0]) == 0x7f;
  return octet(sequence[0]) == 0xc2 && octet(sequence[1]) < 0xa0;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    if (length > 0 && !is_control(sequence))
      clean += sequence;
    else
      for (const char c : sequence) clean += fmt::format("\\x{:02x}", octet(c));
    text.remove_prefix(sequence.size());
  }
  return clean;
}

}  // namespace mailroom
