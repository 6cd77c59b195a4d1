#include "libcommon/protocol/rfc5322/date_time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>

#include "libcommon/protocol/rfc5322/lexer.h"

namespace mailroom::rfc5322 {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr int kFirstYear = 1900;
constexpr int kLastYear = 9999;
constexpr std::int64_t kSecondsPerDay = 86400;

struct ZoneName {
  std::string_view name;
  int hours;
};
// RFC 5322 4.3; every other name, the military ones included, says nothing and counts as +0000.
constexpr ZoneName kZones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5},
                               {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};

// The number that all of a token is, of at most `digits` digits.
std::optional<unsigned> number(std::string_view token, std::size_t digits) {
  if (token.size() > digits) return std::nullopt;
  return parse_decimal<unsigned>(token);
}

class DateParser {
 public:
  explicit DateParser(std::string_view value) : lexer_{value} {}

  std::optional<DateTime> parse() {
    DateTime date;
    if (!take_day(date) || !take_month(date) || !take_year(date) || !take_time(date) || !take_zone(date))
      return {};
    if (!is_real(date)) return {};
    return date;
  }

 private:
  std::string_view token() {
    lexer_.skip_cfws();
    return lexer_.take_while([](char c) { return is_alnum(c); });
  }

  bool take_day(DateTime& date) {
    auto day = token();
    if (!day.empty() && is_alpha(day.front())) {  // the day of the week says nothing new
      lexer_.skip_cfws();
      lexer_.take(',');
      day = token();
    }
    const auto value = number(day, 2);
    date.day = value.value_or(0);
    return value.has_value();
  }

  bool take_month(DateTime& date) {
    const auto name = token();
    if (name.size() < 3) return false;
    for (unsigned i = 0; i < kMonths.size(); ++i) {
      if (equals_ignoring_case(name.substr(0, 3), kMonths[i])) {
        date.month = i + 1;
        return true;
      }
    }
    return false;
  }

  bool take_year(DateTime& date) {
    const auto digits = token();
    const auto value = number(digits, 4);
    if (!value || digits.size() < 2) return false;
    date.year = static_cast<int>(*value);
    if (digits.size() == 2) date.year += *value < 50 ? 2000 : 1900;  // RFC 5322 4.3
    if (digits.size() == 3) date.year += 1900;
    return true;
  }

  bool take_time(DateTime& date) {
    const auto hour = number(token(), 2);
    if (!hour || !take_colon()) return false;
    const auto minute = number(token(), 2);
    if (!minute) return false;
    date.hour = *hour;
    date.minute = *minute;
    date.second = 0;
    if (!take_colon()) return true;
    const auto second = number(token(), 2);
    date.second = second.value_or(0);
    return second.has_value();
  }

  bool take_colon() {
    lexer_.skip_cfws();
    return lexer_.take(':');
  }

  bool take_zone(DateTime& date) {
    lexer_.skip_cfws();
    const bool west = lexer_.take('-');
    const bool numeric = west || lexer_.take('+');
    const auto zone = token();
    if (!numeric) {
      date.zone_minutes = zone_of_name(zone);
      return true;
    }
    const auto value = number(zone, 4);
    if (!value || zone.size() != 4 || *value % 100 > 59) return false;
    const int minutes = static_cast<int>(*value / 100 * 60 + *value % 100);
    date.zone_minutes = west ? -minutes : minutes;
    return true;
  }

  static int zone_of_name(std::string_view name) {
    for (const auto& zone : kZones) {
      if (equals_ignoring_case(name, zone.name)) return zone.hours * 60;
    }
    return 0;
  }

  static bool is_real(const DateTime& date) {
    const std::chrono::year_month_day day{std::chrono::year{date.year}, std::chrono::month{date.month},
                                          std::chrono::day{date.day}};
    return date.year >= kFirstYear && date.year <= kLastYear && day.ok() && date.hour < 24 &&
           date.minute < 60 && date.second <= 60;
  }

  Lexer lexer_;
};

}  // namespace

std::optional<DateTime> parse_date_time(std::string_view value) { return DateParser(value).parse(); }

std::int64_t written_day(const DateTime& date) {
  const std::chrono::sys_days day{std::chrono::year{date.year} / static_cast<int>(date.month) /
                                  static_cast<int>(date.day)};
  return day.time_since_epoch().count();
}

std::int64_t unix_seconds(const DateTime& date) {
  const std::int64_t clock = (date.hour * 60 + date.minute) * 60 + date.second;
  return written_day(date) * kSecondsPerDay + clock - date.zone_minutes * 60;
}

DateTime to_date_time(std::int64_t unix_seconds_utc, int zone_minutes) {
  static const std::int64_t kFirst = unix_seconds({kFirstYear, 1, 1, 0, 0, 0, 0});
  static const std::int64_t kLast = unix_seconds({kLastYear, 12, 31, 23, 59, 59, 0});
  const std::chrono::sys_seconds clock{std::chrono::seconds{
      std::clamp(std::clamp(unix_seconds_utc, kFirst, kLast) + zone_minutes * 60, kFirst, kLast)}};
  const auto midnight = std::chrono::floor<std::chrono::days>(clock);
  const std::chrono::year_month_day day{midnight};
  const std::chrono::hh_mm_ss time{clock - midnight};
  return {static_cast<int>(day.year()),
          static_cast<unsigned>(day.month()),
          static_cast<unsigned>(day.day()),
          static_cast<unsigned>(time.hours().count()),
          static_cast<unsigned>(time.minutes().count()),
          static_cast<unsigned>(time.seconds().count()),
          zone_minutes};
}

std::string format_date_time(const DateTime& date) {
  const auto weekday =
      static_cast<std::size_t>(((written_day(date) + 4) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
  const int zone = std::abs(date.zone_minutes);
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}", kDays[weekday], date.day,
                     kMonths[(date.month - 1) % 12], date.year, date.hour, date.minute, date.second,
                     date.zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
}

}  // namespace mailroom::rfc5322
