// Address lists (RFC 5322 3.4 and 4.4) in the shape that ENVELOPE gives them (RFC 3501 7.4.2).
//
// The parser never fails and never goes back: it reads what mail really holds, in one pass, without
// recursion, and says whether that was an address list by the RFC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace mailroom::rfc5322 {

enum class AddressKind : std::uint8_t {
  mailbox,
  group_start,  // `mailbox` holds the group's name
  group_end,    // everything is empty
  kLast = group_end,
};

struct Address {
  AddressKind kind = AddressKind::mailbox;
  std::optional<std::string>
      name;  // display name, or the comment after a bare address; encoded words as they are
  std::optional<std::string> route;  // obs-route with its '@'s: "@a,@b"
  std::string mailbox;               // local part without its quotes
  std::string host;                  // domain, or domain literal with its brackets; empty: the text had none

  bool operator==(const Address&) const = default;
  static auto fields(auto& m) { return std::tie(m.kind, m.name, m.route, m.mailbox, m.host); }
};

// Addresses that are taken from one message: each is some fifty times as large as the shortest text that
// makes one. RFC 5322 sets no limit; SECURITY.md V8 (8).
inline constexpr std::size_t kMaxAddresses = 10'000;

struct AddressList {
  std::vector<Address> addresses;
  bool well_formed = true;  // by RFC 5322 with its obsolete syntax and 8-bit text (RFC 6532), and complete
};

// The value of an address field, folded or not.  At most `limit` addresses, group ends not counted.
AddressList parse_address_list(std::string_view value, std::size_t limit = kMaxAddresses);

// "mailbox@host" with the local part quoted where RFC 5322 3.2.4 asks for it; just the mailbox if there is no
// host.
std::string address_text(const Address& address);

}  // namespace mailroom::rfc5322
