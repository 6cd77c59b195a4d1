#include "libcommon/policy/principal.h"

#include <algorithm>

#include "libcommon/policy/login_name.h"

namespace mailroom::policy {
namespace {

constexpr std::size_t kMaxPrincipal = 1024;
constexpr std::string_view kAny = "*";

struct Split {
  std::string_view name, realm;
};

// At the only "@".
std::optional<Split> split(std::string_view principal) {
  const std::size_t at = principal.find('@');
  if (at == principal.npos || at == 0 || at + 1 == principal.size()) return std::nullopt;
  if (principal.find('@', at + 1) != principal.npos) return std::nullopt;
  return Split{principal.substr(0, at), principal.substr(at + 1)};
}

std::string_view take_component(std::string_view& name) {
  const std::size_t slash = std::min(name.find('/'), name.size());
  const std::string_view component = name.substr(0, slash);
  name.remove_prefix(std::min(slash + 1, name.size()));
  return component;
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '\\'; });
}

// A part of a name in the one form that accounts have.
bool is_canonical(std::string_view component) {
  return component.find('@') == component.npos && canonical_login_name(component) == component;
}

std::string with_component(std::string_view account, std::string_view component) {
  std::string name{account};
  if (const std::size_t star = name.find(kAny); star != name.npos) name.replace(star, kAny.size(), component);
  return name;
}

}  // namespace

std::optional<std::string> wrong_with_principal_rule(std::string_view pattern, std::string_view account) {
  const auto parts = split(pattern);
  if (!parts || !is_plain(pattern)) return "a pattern is COMPONENT[/COMPONENT]@REALM";
  unsigned stars = 0;
  for (std::string_view left = parts->name; !left.empty();) {
    const std::string_view component = take_component(left);
    if (component == kAny)
      ++stars;
    else if (component.empty() || component.find('*') != component.npos)
      return "a component is a word, or *";
  }
  if (parts->name.ends_with('/')) return "a component is a word, or *";
  if (parts->realm.find_first_of("*/") != parts->realm.npos) return "a realm is written out";
  if (stars > 1) return "* stands once in a pattern";
  const auto in_account = std::ranges::count(account, '*');
  if (in_account > 1 || (in_account == 1 && stars == 0)) return "* in the account is that of the pattern";
  if (stars == 1 && in_account == 0) return "every principal that fits would be the same account";
  const std::string tried = with_component(account, "x");
  if (canonical_login_name(tried) != tried) return "that is no account's name";
  return std::nullopt;
}

std::optional<std::string> account_by_rule(std::string_view pattern, std::string_view account,
                                           std::string_view principal) {
  const auto wanted = split(pattern), given = split(principal);
  if (!wanted || !given || principal.size() > kMaxPrincipal || !is_plain(principal)) return std::nullopt;
  if (wanted->realm != given->realm) return std::nullopt;
  if (std::ranges::count(wanted->name, '/') != std::ranges::count(given->name, '/')) return std::nullopt;
  std::string_view captured;
  for (std::string_view left = wanted->name, right = given->name; !left.empty();) {
    const std::string_view pattern_part = take_component(left), part = take_component(right);
    if (pattern_part != kAny && pattern_part != part) return std::nullopt;
    if (pattern_part != kAny) continue;
    if (!is_canonical(part)) return std::nullopt;
    captured = part;
  }
  return with_component(account, captured);
}

}  // namespace mailroom::policy
