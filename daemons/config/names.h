// Host names, addresses and paths as they stand in a configuration.  Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/config/value.h"

namespace mailroom::config {

// What is_host_name() takes, in lower case.
Parsed<std::string> parse_host_name(std::string_view text);

// The same, and the leftmost label may be "*" (RFC 6125 6.4.3).
Parsed<std::string> parse_certificate_name(std::string_view text);

// Absolute, without "." and ".." components and without a slash at the end.
Parsed<std::string> parse_path(std::string_view text);

struct HostAndPort {
  std::string host;
  std::uint16_t port = 0;
};

// "mx.example.edu:25", "192.0.2.1:25", "[2001:db8::1]:25"
Parsed<HostAndPort> parse_host_and_port(std::string_view text);

}  // namespace mailroom::config
