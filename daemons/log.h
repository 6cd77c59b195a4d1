// The log of every process: one event of daemons/events.h is one printable ASCII line.
//
//   log::write("login-failed", {{"session", log::Id{connection}}, {"account", name}, {"reason",
//   "password"}});
//
// A daemon's lines go to the pipe on descriptor 2 that the supervisor made for it (non-blocking), as
// "[PID] EVENT KEY=VALUE...", and logd puts the time and the name of the process before them.  A line is one
// write of at most PIPE_BUF octets, so lines of processes that share a pipe do not mix.  Writing never
// blocks: a line that does not fit the pipe is dropped and counted, and the next one that fits says so
// ("dropped=N").
//
// Values are whatever a client sent.  They are escaped here and checked again in logd, so that nobody can
// forge a line or a field (SECURITY.md V4).  Safe in several threads and after fork; needs the system calls
// write and getpid.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/events.h"

namespace mailroom::log {

// Octets of a line with its LF.  POSIX asks PIPE_BUF to be 512 at least, Linux has 4096.
inline constexpr std::size_t kMaxLine = 2048;
// Octets of one value as written; the rest is cut, and "..." stands for it.
inline constexpr std::size_t kMaxValue = 512;

// Written as 16 hexadecimal digits.
struct Id {
  std::uint64_t number;
};

class Field {
 public:
  Field(std::string_view key, std::string_view value) : key_{key}, text_{value} {}
  Field(std::string_view key, const char* value) : key_{key}, text_{value} {}
  Field(std::string_view key, const std::string& value) : key_{key}, text_{value} {}
  Field(std::string_view key, Id id) : key_{key}, kind_{Kind::id}, number_{id.number} {}
  Field(std::string_view key, std::unsigned_integral auto number)
      : key_{key}, kind_{Kind::unsigned_number}, number_{number} {}
  Field(std::string_view key, std::signed_integral auto number)
      : key_{key}, kind_{Kind::signed_number}, number_{static_cast<std::uint64_t>(number)} {}

  // " key=value", escaped and shortened.
  void append_to(std::string& line) const;

 private:
  enum class Kind : std::uint8_t { text, id, unsigned_number, signed_number };
  std::string_view key_;
  std::string_view text_;  // of the caller; a Field does not outlive the call it is made for
  Kind kind_ = Kind::text;
  std::uint64_t number_ = 0;
};

using Fields = std::initializer_list<Field>;

// Once, at the start of a process.  `name` makes lines complete with time and name, for the supervisor and
// for tools whose output no logd reads; without it they are for logd.
struct Setup {
  int fd = 2;
  LogLevel level = LogLevel::info;
  std::string name = {};
};
void set_up(Setup setup);

void write(EventName event, Fields fields = {});

// Logs "fatal" and ends the process at once, without destructors, with kFatalExit.
inline constexpr int kFatalExit = 70;  // EX_SOFTWARE of sysexits.h
[[noreturn]] void fatal(std::string_view reason);

// ---- the pure parts, for the above, logd and tests ----

// "EVENT KEY=VALUE...", without LF, shorter than kMaxLine less what precedes it.  Fields that do not fit are
// left out, and "cut=yes" says so.
std::string format(const EventRow& event, Fields fields);

// A value as it stands in a line: itself when it is made of harmless characters, else in double quotes with
// \" \\ \xNN.
void append_value(std::string& line, std::string_view value);

// A line that came through a process's pipe.
struct ParsedLine {
  std::uint32_t pid = 0;
  const EventRow* event = nullptr;
  std::string_view fields;  // " KEY=VALUE..." or empty, verbatim
};

// Nothing when the line (without its LF) is not exactly what format() makes.
std::optional<ParsedLine> parse_line(std::string_view line);

// "2026-11-22T01:02:03.123456Z"
std::string timestamp(std::int64_t microseconds_since_1970);

}  // namespace mailroom::log
