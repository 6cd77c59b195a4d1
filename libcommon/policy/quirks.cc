#include "libcommon/policy/quirks.h"

#include <algorithm>
#include <iterator>

namespace mailroom::policy {
namespace {

constexpr std::string_view kTlsFloors[] = {"tls-min=1.0", "tls-min=1.1", "tls-min=1.2", "tls-min=1.3"};

struct QuirkRow {
  std::string_view word;
  bool Quirks::*member;
  QuirkScope scope;
};
constexpr QuirkRow kRows[] = {{"old-ciphers", &Quirks::old_ciphers, QuirkScope::any_protocol},
                              {"bare-lf", &Quirks::bare_lf, QuirkScope::smtp},
                              {"any-helo", &Quirks::any_helo, QuirkScope::smtp},
                              {"add-fields", &Quirks::add_fields, QuirkScope::smtp},
                              {"detect-tls", &Quirks::detect_tls, QuirkScope::any_protocol}};

}  // namespace

bool take_quirk(std::string_view word, Quirks& quirks) {
  if (const auto* floor = std::ranges::find(kTlsFloors, word); floor != std::end(kTlsFloors)) {
    quirks.tls_min = static_cast<TlsVersion>(floor - kTlsFloors);
    return true;
  }
  const auto* row = std::ranges::find(kRows, word, &QuirkRow::word);
  if (row == std::end(kRows)) return false;
  quirks.*row->member = true;
  return true;
}

std::vector<std::string> quirk_words(const Quirks& quirks) {
  std::vector<std::string> words;
  if (quirks.tls_min != Quirks{}.tls_min)
    words.emplace_back(kTlsFloors[static_cast<std::size_t>(quirks.tls_min)]);
  for (const QuirkRow& row : kRows)
    if (quirks.*row.member) words.emplace_back(row.word);
  return words;
}

QuirkScope quirk_scope(std::string_view word) {
  const auto* row = std::ranges::find(kRows, word, &QuirkRow::word);
  return row == std::end(kRows) ? QuirkScope::any_protocol : row->scope;
}

Quirks forgiven_by_either(const Quirks& one, const Quirks& other) {
  Quirks both = one;
  both.tls_min = std::min(one.tls_min, other.tls_min);
  for (const QuirkRow& row : kRows) both.*row.member = one.*row.member || other.*row.member;
  return both;
}

}  // namespace mailroom::policy
