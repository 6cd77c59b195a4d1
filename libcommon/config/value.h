// Values of directives: numbers, sizes and times, from text and back.  Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "libcommon/config/duration.h"

namespace mailroom::config {

template <typename T>
using Parsed = std::expected<T, std::string>;  // the value, or what is wrong with the text

Parsed<std::uint64_t> parse_number(std::string_view text);  // "250"
Parsed<std::uint64_t> parse_size(std::string_view text);  // "512", "64K", "50M", "8G": octets, powers of 1024
Parsed<Duration> parse_time(std::string_view text);       // "250ms", "30s", "5m", "2h", "5d"
Parsed<bool> parse_flag(std::string_view text);           // "yes", "no"

// In the largest unit that divides the value.
std::string format_size(std::uint64_t octets);
std::string format_time(Duration time);

}  // namespace mailroom::config
