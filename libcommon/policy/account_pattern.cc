#include "libcommon/policy/account_pattern.h"

#include <algorithm>

#include "libcommon/policy/login_name.h"

namespace mailroom::policy {

std::optional<SplitName> split_name(std::string_view name, char border) {
  const std::size_t at = name.find(border);
  if (at == name.npos || at == 0 || at + 1 == name.size()) return std::nullopt;
  const std::string_view rest = name.substr(at + 1);
  if (rest.find('@') != rest.npos) return std::nullopt;
  return SplitName{name.substr(0, at), rest};
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '\\'; });
}

bool is_part_of_account(std::string_view text) {
  return text.find_first_of("@/") == text.npos && canonical_login_name(text) == text;
}

std::string with_captured(std::string_view account, std::string_view captured) {
  std::string name{account};
  if (const std::size_t star = name.find(kAny); star != name.npos) name.replace(star, kAny.size(), captured);
  return name;
}

std::optional<std::string> wrong_with_account(std::string_view account, bool has_star,
                                              std::string_view what) {
  const auto in_account = std::ranges::count(account, '*');
  if (in_account > 1 || (in_account == 1 && !has_star)) return "* in the account is that of the pattern";
  if (in_account == 0 && has_star)
    return "every " + std::string{what} + " that fits would be the same account";
  const std::string tried = with_captured(account, "x");
  if (canonical_login_name(tried) != tried) return "that is no account's name";
  return std::nullopt;
}

}  // namespace mailroom::policy
