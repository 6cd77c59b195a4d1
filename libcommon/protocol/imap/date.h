// Dates of SEARCH and of INTERNALDATE (RFC 3501 section 9: date, date-time).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "libcommon/protocol/imap/scanner.h"

namespace mailroom::imap {

// "1-Feb-1994", with or without quotes.  A day that no calendar has fails.
std::chrono::sys_days parse_date(Scanner& in);

// "\"17-Jul-1996 02:44:25 -0700\"": seconds since 1970, UTC.
std::int64_t parse_date_time(Scanner& in);

// In UTC, with the quotes.
std::string render_date_time(std::int64_t unix_time);

// The calendar day in UTC: what SEARCH compares ("disregarding time and timezone").
std::chrono::sys_days day_of(std::int64_t unix_time);

}  // namespace mailroom::imap
