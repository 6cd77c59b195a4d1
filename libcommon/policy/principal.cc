#include "libcommon/policy/principal.h"

#include <algorithm>

#include "libcommon/policy/account_pattern.h"

namespace mailroom::policy {
namespace {

constexpr std::size_t kMaxPrincipal = 1024;

std::optional<SplitName> split(std::string_view principal) { return split_name(principal, '@'); }

std::string_view take_component(std::string_view& name) {
  const std::size_t slash = std::min(name.find('/'), name.size());
  const std::string_view component = name.substr(0, slash);
  name.remove_prefix(std::min(slash + 1, name.size()));
  return component;
}

}  // namespace

std::optional<std::string> wrong_with_principal_rule(std::string_view pattern, std::string_view account) {
  const auto parts = split(pattern);
  if (!parts || !is_plain(pattern)) return "a pattern is COMPONENT[/COMPONENT]@REALM";
  unsigned stars = 0;
  for (std::string_view left = parts->first; !left.empty();) {
    const std::string_view component = take_component(left);
    if (component == kAny)
      ++stars;
    else if (component.empty() || component.find('*') != component.npos)
      return "a component is a word, or *";
  }
  if (parts->first.ends_with('/')) return "a component is a word, or *";
  if (parts->rest.find_first_of("*/") != parts->rest.npos) return "a realm is written out";
  if (stars > 1) return "* stands once in a pattern";
  return wrong_with_account(account, stars == 1, "principal");
}

std::optional<std::string> account_by_rule(std::string_view pattern, std::string_view account,
                                           std::string_view principal) {
  const auto wanted = split(pattern), given = split(principal);
  if (!wanted || !given || principal.size() > kMaxPrincipal || !is_plain(principal)) return std::nullopt;
  if (wanted->rest != given->rest) return std::nullopt;
  if (std::ranges::count(wanted->first, '/') != std::ranges::count(given->first, '/')) return std::nullopt;
  std::string_view captured;
  for (std::string_view left = wanted->first, right = given->first; !left.empty();) {
    const std::string_view pattern_part = take_component(left), part = take_component(right);
    if (pattern_part != kAny && pattern_part != part) return std::nullopt;
    if (pattern_part != kAny) continue;
    if (!is_part_of_account(part)) return std::nullopt;
    captured = part;
  }
  return with_captured(account, captured);
}

}  // namespace mailroom::policy
