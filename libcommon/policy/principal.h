// Whose Kerberos ticket is whose account: a table of rules, tried from the top, and never a guess.
//
//   PATTERN  one or more components with "/" between them, "@" and a realm; a component is a word,
//            or "*" once
//   ACCOUNT  the name of an account, or a name with "*" where the component that "*" stood for goes
//
//   *@EXAMPLE.EDU                  *                     alice@EXAMPLE.EDU is alice
//   */mail@EXAMPLE.EDU             *                     alice/mail@EXAMPLE.EDU too
//   root/admin@EXAMPLE.EDU         postmaster            exactly this one
//   smtp-relay/*@EXAMPLE.EDU       smtp-relay/*          instances of a service
//
// Principals are compared octet by octet, as Kerberos does: Alice@EXAMPLE.EDU is nobody where accounts are in
// lower case, since it is another principal than alice@EXAMPLE.EDU.  "*" stands for what may be (part of) the
// name of an account in its canonical form, and for nothing else.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailroom::policy {

// Whether the two can be a rule; nothing when they can, else why not.
std::optional<std::string> wrong_with_principal_rule(std::string_view pattern, std::string_view account);

// The account, when the rule applies.  `principal` as libkrb5 writes it, special characters with a backslash:
// one that has any applies to no rule.
std::optional<std::string> account_by_rule(std::string_view pattern, std::string_view account,
                                           std::string_view principal);

}  // namespace mailroom::policy
