#include "libcommon/protocol/sasl/utf8.h"

#include <algorithm>

namespace mailroom {
namespace {

struct LeadOctets {
  unsigned char first, last;                // the first octet's range
  unsigned char second_first, second_last;  // the second's, which excludes overlong forms and surrogates
  std::size_t length;
};

// RFC 3629 section 4
constexpr LeadOctets kTable[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

bool is_tail(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const auto* row = std::find_if(std::begin(kTable), std::end(kTable), [first](const LeadOctets& lead) {
    return first >= lead.first && first <= lead.last;
  });
  if (row == std::end(kTable) || text.size() < row->length) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  if (second < row->second_first || second > row->second_last) return 0;
  const std::string_view tail = text.substr(2, row->length - 2);
  return std::all_of(tail.begin(), tail.end(), is_tail) ? row->length : 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace mailroom
