#include "spool/state/services.h"

#include <algorithm>

namespace mailroom::state {

std::string service_words(std::uint8_t services) {
  std::string words;
  for (const auto& [word, bit] : kServiceWords) {
    if ((services & bit) == 0) continue;
    if (!words.empty()) words += ',';
    words += word;
  }
  return words.empty() ? "none" : words;
}

std::optional<std::uint8_t> parse_service_words(std::string_view words) {
  if (words == "none") return std::uint8_t{0};
  std::uint8_t services = 0;
  for (;;) {
    const std::size_t comma = words.find(',');
    const auto* row = std::ranges::find(kServiceWords, words.substr(0, comma), &ServiceWord::word);
    if (row == kServiceWords.end()) return std::nullopt;
    services |= row->bit;
    if (comma == std::string_view::npos) return services;
    words.remove_prefix(comma + 1);
  }
}

}  // namespace mailroom::state
