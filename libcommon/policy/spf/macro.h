// Macros of SPF records (RFC 7208 section 7; grammar.md).  Pure.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/sys/ip_address.h"

namespace mailroom::spf {

// What the letters stand for.  The strings come from strangers and may hold any octets.
struct MacroValues {
  std::string_view local;           // %{l}: of the sender
  std::string_view sender_domain;   // %{o}; with the local part %{s}
  std::string_view domain;          // %{d}: that is checked now
  std::string_view helo;            // %{h}
  std::string_view validated_name;  // %{p}: of the client, or "unknown"
  IpAddress client;                 // %{i}, %{v}
};

// What may stand after the "=" of a modifier that nobody knows: any letter, also those of explanations.
bool is_macro_string(std::string_view text);

// Whether it is a domain-spec: macro-string, and at the end a label that can be a top one, or a macro.
bool is_domain_spec(std::string_view text);

// Whether `letter` (in lower case) is expanded in it.
bool uses_letter(std::string_view domain_spec, char letter);

// A domain-spec with its macros expanded.  At most as long as the longest value for each 4 octets of it.
std::string expand(std::string_view domain_spec, const MacroValues& values);

}  // namespace mailroom::spf
