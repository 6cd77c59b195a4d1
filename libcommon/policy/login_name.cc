#include "libcommon/policy/login_name.h"

#include <algorithm>

#include "libcommon/text/ascii.h"

namespace mailroom::policy {
namespace {

bool is_part_character(char c) { return is_alnum(c) || c == '.' || c == '+' || c == '-' || c == '_'; }

bool is_part(std::string_view part) {
  if (part.empty() || !std::ranges::all_of(part, is_part_character)) return false;
  if (part.front() == '.' || part.back() == '.' || part.front() == '-') return false;
  return part.find("..") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> canonical_login_name(std::string_view text) {
  if (text.size() > kMaxLoginName) return std::nullopt;
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos && !is_part(text.substr(at + 1))) return std::nullopt;
  std::string_view rest = text.substr(0, at);
  for (;;) {
    const std::size_t slash = rest.find('/');
    if (!is_part(rest.substr(0, slash))) return std::nullopt;
    if (slash == std::string_view::npos) return lower_case(text);
    rest.remove_prefix(slash + 1);
  }
}

std::vector<std::string> login_candidates(std::string_view text, std::span<const std::string> local_domains) {
  std::vector<std::string> candidates;
  auto name = canonical_login_name(text);
  if (!name) return candidates;
  const std::size_t at = name->find('@');
  const bool is_address = at != std::string::npos &&
                          std::ranges::find(local_domains, name->substr(at + 1)) != local_domains.end();
  std::string bare = name->substr(0, at);
  candidates.push_back(std::move(*name));
  if (is_address) candidates.push_back(std::move(bare));
  return candidates;
}

}  // namespace mailroom::policy
