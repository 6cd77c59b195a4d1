// Mailboxes and paths of RFC 5321 section 4.1.2, with the UTF-8 of RFC 6531 section 3.3.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::smtp {

struct Mailbox {
  std::string local_part;  // what it means: without the quotes and backslashes of a quoted string
  std::string domain;      // as written; an address literal with its brackets; empty only in <Postmaster>

  // local-part "@" domain, quoted only where it must be, so that one mailbox has one form.
  std::string text() const;
  // Whether it needs SMTPUTF8 (RFC 6531 section 3.3).
  bool is_internationalized() const;

  bool operator==(const Mailbox&) const = default;
};

enum class AddressFault : std::uint8_t {
  syntax,
  too_long,  // local-part, domain, label or path (bounds.h)
};

// `text` is one mailbox and nothing else.
[[nodiscard]] std::expected<Mailbox, AddressFault> parse_mailbox(std::string_view text);

// "<>", or a path with its angle brackets, at the start of `rest`, from which it is removed.  Nothing: the
// null reverse-path.  A local-part is bounded by the path only: senders in use exceed 64 octets.
[[nodiscard]] std::expected<std::optional<Mailbox>, AddressFault> take_reverse_path(std::string_view& rest);

// The same for a recipient; <Postmaster> without a domain is one (section 4.1.1.3).  Source routes are
// checked and dropped in both (section 3.3).
[[nodiscard]] std::expected<Mailbox, AddressFault> take_forward_path(std::string_view& rest);

// A domain name by section 4.1.2; U-labels where RFC 6531 allows them.
bool is_domain(std::string_view text);

// "[192.0.2.1]", "[IPv6:2001:db8::1]" (section 4.1.3).  No other tag is registered, so no other is taken.
bool is_address_literal(std::string_view text);

}  // namespace mailroom::smtp
