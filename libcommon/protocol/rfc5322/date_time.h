// Date and time (RFC 5322 3.3 and 4.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::rfc5322 {

// As written: local date and time of the zone.
struct DateTime {
  int year = 1970;  // 1900 to 9999
  unsigned month = 1;
  unsigned day = 1;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;   // 60 for a leap second
  int zone_minutes = 0;  // east of UTC

  bool operator==(const DateTime&) const = default;
};

// The value of a Date field, with comments, folding and obsolete forms (two-digit years, zone names).  A
// missing zone is taken as UTC.  Nothing when there is no real date: 31 Feb, 25:00, a year before 1900.
std::optional<DateTime> parse_date_time(std::string_view value);

// Seconds since 1970-01-01 00:00 UTC; a leap second counts as the second after it.
std::int64_t unix_seconds(const DateTime& date);

// The day as written, in days since 1970-01-01: what SENTON and its like compare (RFC 3501 6.4.4).
std::int64_t written_day(const DateTime& date);

// The date and time that a clock of that zone shows; years outside 1900 to 9999 are cut to that range.
DateTime to_date_time(std::int64_t unix_seconds, int zone_minutes = 0);

// "Sun, 22 Nov 2026 01:02:03 +0000"
std::string format_date_time(const DateTime& date);

}  // namespace mailroom::rfc5322
