#include "libcommon/protocol/imap/date.h"

#include <array>

#include <fmt/format.h>

#include "libcommon/text/ascii.h"

namespace mailroom::imap {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr const char* kBadDate = "A date was expected, such as 1-Feb-2026";
constexpr const char* kBadTime = "A date and time was expected, such as \" 1-Feb-2026 10:00:00 +0100\"";
constexpr int kMaxZoneHours = 24;

// Exactly `count` digits.
int fixed_digits(Scanner& in, int count, const char* error) {
  int value = 0;
  for (int i = 0; i < count; ++i) {
    const char c = in.peek();
    if (!is_digit(c)) {
      in.fail(error);
      return 0;
    }
    in.skip(c);
    value = value * 10 + (c - '0');
  }
  return value;
}

unsigned month_number(Scanner& in, const char* error) {
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (starts_with_ignoring_case(in.rest(), kMonths[i])) {
      for (std::size_t n = 0; n < kMonths[i].size(); ++n) in.skip(in.peek());
      return static_cast<unsigned>(i + 1);
    }
  }
  in.fail(error);
  return 1;
}

// "-Mon-yyyy" after a day.
sys_days month_and_year(Scanner& in, int day_number, const char* error) {
  if (!in.skip('-')) in.fail(error);
  const unsigned month_of_year = month_number(in, error);
  if (!in.skip('-')) in.fail(error);
  const int year_number = fixed_digits(in, 4, error);
  const year_month_day date{year{year_number}, month{month_of_year}, day{static_cast<unsigned>(day_number)}};
  if (in.ok() && !date.ok()) in.fail(error);
  return in.ok() ? sys_days{date} : sys_days{};
}

// How far the zone is east of Greenwich.
minutes zone(Scanner& in) {
  const bool east = in.skip('+');
  if (!east && !in.skip('-')) in.fail(kBadTime);
  const int value = fixed_digits(in, 4, kBadTime);
  if (value / 100 >= kMaxZoneHours || value % 100 >= 60) in.fail(kBadTime);
  const minutes offset = hours{value / 100} + minutes{value % 100};
  return east ? offset : -offset;
}

seconds time_of_day(Scanner& in) {
  const int h = fixed_digits(in, 2, kBadTime);
  if (!in.skip(':')) in.fail(kBadTime);
  const int m = fixed_digits(in, 2, kBadTime);
  if (!in.skip(':')) in.fail(kBadTime);
  const int s = fixed_digits(in, 2, kBadTime);
  if (h > 23 || m > 59 || s > 60) in.fail(kBadTime);
  return hours{h} + minutes{m} + seconds{s};
}

}  // namespace

sys_days parse_date(Scanner& in) {
  const bool quoted = in.skip('"');
  int day_number = fixed_digits(in, 1, kBadDate);
  if (is_digit(in.peek())) day_number = day_number * 10 + fixed_digits(in, 1, kBadDate);
  const sys_days date = month_and_year(in, day_number, kBadDate);
  if (quoted && !in.skip('"')) in.fail(kBadDate);
  return date;
}

std::int64_t parse_date_time(Scanner& in) {
  if (!in.skip('"')) in.fail(kBadTime);
  const int day_number = in.skip(' ') ? fixed_digits(in, 1, kBadTime) : fixed_digits(in, 2, kBadTime);
  const sys_days date = month_and_year(in, day_number, kBadTime);
  if (!in.skip(' ')) in.fail(kBadTime);
  const seconds time = time_of_day(in);
  if (!in.skip(' ')) in.fail(kBadTime);
  const minutes zone_offset = zone(in);
  if (!in.skip('"')) in.fail(kBadTime);
  return in.ok() ? seconds{date.time_since_epoch() + time - zone_offset}.count() : 0;
}

std::string render_date_time(std::int64_t unix_time) {
  const sys_seconds moment{seconds{unix_time}};
  const sys_days date = floor<days>(moment);
  const year_month_day ymd{date};
  const hh_mm_ss time{moment - date};
  return fmt::format("\"{:2}-{}-{:04} {:02}:{:02}:{:02} +0000\"", static_cast<unsigned>(ymd.day()),
                     kMonths[static_cast<unsigned>(ymd.month()) - 1], static_cast<int>(ymd.year()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

sys_days day_of(std::int64_t unix_time) { return floor<days>(sys_seconds{seconds{unix_time}}); }

}  // namespace mailroom::imap
