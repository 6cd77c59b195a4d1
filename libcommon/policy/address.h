// Addresses as the directory looks them up: one form for each, whatever the sender's spelling.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::policy {

struct Address {
  std::string local;   // without quotes, ASCII letters in lower case
  std::string domain;  // in lower case; an address literal with its brackets; empty only for <postmaster>

  // local "@" domain: a key of the directory.  Never sent anywhere.
  std::string key() const { return local + '@' + domain; }

  auto operator<=>(const Address&) const = default;
};

// A path of MAIL or RCPT without its angle brackets and source route (RFC 5321 4.1.2), read again here
// because who sends it may have been taken over.  Nothing for what is not exactly one mailbox; <postmaster>
// without a domain is one (4.5.1).
[[nodiscard]] std::optional<Address> parse_address(std::string_view path);

// Whether the local part would send mail on to another host if anybody believed it: a%b, b!a, "a@b"
// (SECURITY.md V17).  No address of ours has such a local part, so these are refused as what they are.
bool asks_for_routing(const Address& address);

// Whether an operator may give this address to an account: it parses, has a name of a domain, and asks for no
// routing.
bool may_be_given(const Address& address);

// The local parts under which an address may be known, the most exact first: itself, then without what
// follows each delimiter, from the right ("a+b+c" gives "a+b+c", "a+b", "a").  `delimiters` is a set of
// characters.
std::vector<std::string_view> local_part_forms(std::string_view local, std::string_view delimiters);

// Whether `address` is `own` or `own` with a detail.
bool is_own_or_detail_of(const Address& address, const Address& own, std::string_view delimiters);

}  // namespace mailroom::policy
