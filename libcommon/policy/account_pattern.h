// What rules that make other names the names of accounts have in common (certificate_rule.h, principal.h): a
// pattern may have "*" for a part of the name, and the account has it once too.  Pure; internal to policy.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailroom::policy {

inline constexpr std::string_view kAny = "*";

struct SplitName {
  std::string_view first, rest;
};
// At the first border, with something on both sides and no "@" behind it.
std::optional<SplitName> split_name(std::string_view name, char border);

// Printable ASCII without blanks and backslashes.
bool is_plain(std::string_view text);

// Whether "*" may stand for it: a part of the name of an account, in the one form that these have.
bool is_part_of_account(std::string_view text);

// The account's name, with `captured` for its "*".
std::string with_captured(std::string_view account, std::string_view captured);

// Whether the account fits a pattern with or without "*"; nothing when it does, else why not.  `what` has the
// other name, in the singular.
std::optional<std::string> wrong_with_account(std::string_view account, bool has_star, std::string_view what);

}  // namespace mailroom::policy
