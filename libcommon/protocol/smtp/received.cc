#include "libcommon/protocol/smtp/received.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/protocol/smtp/characters.h"

namespace mailroom::smtp {
namespace {

// Characters of names, numbers, literals: nothing that could begin a comment, a quoted string or a new line.
bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_let_dig(c) || std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
}

std::string_view word_or_unknown(std::string_view text) { return is_word(text) ? text : "unknown"; }

// "tls" and "group" clauses come last, as additional clauses do (RFC 5321 section 4.4).
std::string tls_clauses(const TraceFacts& facts) {
  if (!facts.tls || !is_word(facts.tls_cipher)) return {};
  std::string clauses = fmt::format("\r\n\ttls {}", facts.tls_cipher);
  if (is_word(facts.tls_group)) clauses += fmt::format(" group {}", facts.tls_group);
  return clauses;
}

}  // namespace

std::string_view with_protocol(const TraceFacts& facts) {
  if (!facts.esmtp) return "SMTP";
  constexpr std::string_view kNames[2][4] = {{"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"},
                                             {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"}};
  return kNames[facts.smtputf8 ? 1 : 0][(facts.tls ? 1 : 0) + (facts.authenticated ? 2 : 0)];
}

std::string received_field(const TraceFacts& facts) {
  const bool version_known = facts.tls && is_word(facts.tls_version);
  return fmt::format("Received: from {} ([{}])\r\n\tby {} with {}{} id {}{};\r\n\t{}\r\n",
                     word_or_unknown(facts.helo), word_or_unknown(facts.client_literal),
                     word_or_unknown(facts.by), with_protocol(facts),
                     version_known ? fmt::format(" ({})", facts.tls_version) : "", word_or_unknown(facts.id),
                     tls_clauses(facts), date_time(facts.when));
}

std::string date_time(std::chrono::sys_seconds when) {
  constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto midnight = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::weekday weekday{midnight};
  const std::chrono::hh_mm_ss time{when - midnight};
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", kDays[weekday.c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

}  // namespace mailroom::smtp
