// SPF records as values (RFC 7208 4.5, 4.6.1, 5, 6; grammar.md).  Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/sys/ip_address.h"

namespace mailroom::spf {

enum class Qualifier : std::uint8_t { pass, fail, softfail, neutral };
enum class Mechanism : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists };

struct Directive {
  Qualifier qualifier = Qualifier::pass;
  Mechanism mechanism = Mechanism::all;
  std::string domain;  // a domain-spec, macros and all; empty: the domain that is checked
  IpAddress address;   // of ip4 and ip6
  unsigned v4_bits = 32;
  unsigned v6_bits = 128;
  std::string text;  // as it is written, for people
};

struct Record {
  std::vector<Directive> directives;  // in their order; what follows "all" too
  std::string redirect;               // a domain-spec; empty: there is none
};

// Whether a TXT record is an SPF record at all: "v=spf1" alone, or a space behind it.
bool is_record(std::string_view text);

// Nothing when anything in it breaks the grammar (RFC 7208 4.6), wherever it stands.  `text` is_record().
std::optional<Record> parse_record(std::string_view text);

}  // namespace mailroom::spf
