#include "libcommon/dns/trust_anchor.h"

#include <algorithm>

#include "libcommon/text/ascii.h"

namespace mailroom::dns {
namespace {

constexpr std::size_t kDataWords = 4;  // of DS (RFC 4034 5.3) and DNSKEY (RFC 4034 2.2), at least

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = std::ranges::find_if_not(line, is_blank);
    const auto end = std::find_if(begin, line.end(), is_blank);
    if (begin == end) return words;
    words.emplace_back(begin, end);
    line = {end, line.end()};
  }
}

bool is_record(const std::vector<std::string_view>& words) {
  const auto type = std::ranges::find_if(words, [](std::string_view word) {
    return equals_ignoring_case(word, "DS") || equals_ignoring_case(word, "DNSKEY");
  });
  // Before it the name, and perhaps a time to live and the class.
  if (type == words.begin() || type - words.begin() > 3 || words.end() - type <= std::ptrdiff_t{kDataWords})
    return false;
  return std::all_of(type + 1, type + kDataWords,
                     [](std::string_view word) { return parse_decimal<std::uint32_t>(word).has_value(); });
}

}  // namespace

const std::vector<std::string>& root_trust_anchors() {
  static const std::vector<std::string> kAnchors{
      ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
      ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"};
  return kAnchors;
}

std::expected<std::vector<std::string>, std::string> parse_trust_anchors(std::string_view text) {
  std::vector<std::string> anchors;
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(whole.size() + 1, text.size()));
    std::string_view line = whole.substr(0, whole.find(';'));
    while (!line.empty() && (is_blank(line.back()) || line.back() == '\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (!is_record(words_of(line)) ||
        !std::ranges::all_of(line, [](char c) { return is_visible(c) || is_blank(c); }))
      return std::unexpected("line " + std::to_string(number) + " is no DS or DNSKEY record");
    anchors.emplace_back(line);
  }
  if (anchors.empty()) return std::unexpected("no DS or DNSKEY record in it");
  return anchors;
}

}  // namespace mailroom::dns
