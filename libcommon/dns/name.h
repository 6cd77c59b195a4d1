// Domain names, from the wire and in writing.
//
// Written, a name is in lower case, without the dot at the end (the root is ""); an octet of a label that is
// not a letter, digit, hyphen or underscore is \DDD (RFC 1035 5.1), so that it is printable and a dot is
// always between labels.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::dns {

struct WireName {
  std::string text;
  std::size_t end = 0;  // the offset after the name where it stands
};

// The name at `offset` of a message, compressed or not (RFC 1035 4.1.4).  Nothing for what reaches over the
// end, is longer than a name can be, or has a pointer that does not point further back than what led to it.
std::optional<WireName> read_name(std::string_view message, std::size_t offset);

// Whether it can be asked for: labels of letters, digits, hyphens and underscores, none empty, none longer
// than 63 octets.
bool is_domain_name(std::string_view name);

}  // namespace mailroom::dns
