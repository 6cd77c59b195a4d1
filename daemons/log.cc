#include "daemons/log.h"

#include <fmt/format.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>

namespace mailroom::log {

namespace {

constexpr std::size_t kPrefixRoom = 96;   // "[PID] " or time, name and pid, and "dropped="
constexpr std::size_t kCutMarkRoom = 16;  // " cut=yes"
constexpr std::size_t kUsualLine = 256;   // what nearly all lines fit into

Setup g_setup;
std::atomic<std::uint64_t> g_dropped{0};

constexpr bool is_printable(char c) { return c >= 0x20 && c <= 0x7e; }

// What may stand in a value without quotes.  A table: every octet of the log is looked at here, and again in
// logd.
constexpr auto kBare = [] {
  std::array<bool, 256> bare{};
  for (int c = 0; c < 256; ++c)
    bare[static_cast<std::size_t>(c)] =
        is_printable(static_cast<char>(c)) && c != ' ' && c != '"' && c != '\\' && c != '=';
  return bare;
}();
constexpr bool is_bare(char c) { return kBare[static_cast<unsigned char>(c)]; }

bool all_bare(std::string_view value) {
  for (const char c : value)
    if (!is_bare(c)) return false;
  return !value.empty();
}

constexpr bool is_key_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

std::int64_t now_microseconds() {
  timeval now{};
  ::gettimeofday(&now, nullptr);  // the vDSO: no system call for the filter to allow
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_usec;
}

template <typename Number>
void append_number(std::string& line, Number number) {
  const fmt::format_int digits{number};  // holds a pointer into itself
  line.append(digits.data(), digits.size());
}

void append_id(std::string& line, std::uint64_t id) {
  for (int shift = 60; shift >= 0; shift -= 4) line += "0123456789abcdef"[id >> shift & 0xf];
}

void append_prefix(std::string& line) {
  if (!g_setup.name.empty()) {
    line += timestamp(now_microseconds());
    line += ' ';
    line += g_setup.name;
  }
  line += '[';
  append_number(line, ::getpid());
  line += "] ";
}

void append_event(std::string& line, const EventRow& event, Fields fields) {
  constexpr std::size_t kRoom = kMaxLine - kPrefixRoom - kCutMarkRoom;
  const std::size_t begin = line.size();
  line += event.name;
  bool cut = false;
  for (const auto& field : fields) {
    const std::size_t before = line.size();
    field.append_to(line);
    if (line.size() - begin <= kRoom) continue;
    line.resize(before);
    cut = true;
  }
  if (cut) line += " cut=yes";
}

void write_line(const EventRow& event, Fields fields) {
  std::string line;
  line.reserve(kUsualLine);
  append_prefix(line);
  append_event(line, event, fields);
  const std::uint64_t dropped = g_dropped.exchange(0);
  if (dropped > 0) line += fmt::format(" dropped={}", dropped);
  line += '\n';
  ssize_t written;
  do written = ::write(g_setup.fd, line.data(), line.size());
  while (written < 0 && errno == EINTR);
  if (written < 0) g_dropped += dropped + 1;
}

// ---- parsing ----

constexpr bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// The length of what append_value() writes for one octet within quotes; 0 for what it never writes.
std::size_t quoted_length(std::string_view text) {
  if (!is_printable(text[0])) return 0;
  if (text[0] != '\\') return 1;
  if (text.size() > 1 && (text[1] == '"' || text[1] == '\\')) return 2;
  return text.size() > 3 && text[1] == 'x' && is_hex_digit(text[2]) && is_hex_digit(text[3]) ? 4 : 0;
}

// Takes a value in double quotes off the front of `text`.
bool skip_quoted(std::string_view& text) {
  std::size_t at = 1;
  while (at < text.size() && text[at] != '"') {
    const std::size_t length = quoted_length(text.substr(at));
    if (length == 0) return false;
    at += length;
  }
  if (at >= text.size()) return false;
  text.remove_prefix(at + 1);
  return true;
}

// Takes " KEY=VALUE" off the front of `text`.
bool skip_field(std::string_view& text) {
  if (!text.starts_with(' ')) return false;
  std::size_t at = 1;
  while (at < text.size() && is_key_char(text[at])) ++at;
  if (at == 1 || at >= text.size() || text[at] != '=') return false;
  text.remove_prefix(at + 1);
  if (text.starts_with('"')) return skip_quoted(text);
  at = 0;
  while (at < text.size() && is_bare(text[at])) ++at;
  text.remove_prefix(at);
  return at > 0;
}

constexpr auto kEventsByName = [] {
  std::array<const EventRow*, std::size(kEvents)> rows{};
  std::ranges::transform(kEvents, rows.begin(), [](const EventRow& row) { return &row; });
  std::ranges::sort(rows, {}, &EventRow::name);
  return rows;
}();

const EventRow* find_event(std::string_view name) {
  const auto found = std::ranges::lower_bound(kEventsByName, name, {}, &EventRow::name);
  return found != kEventsByName.end() && (*found)->name == name ? *found : nullptr;
}

}  // namespace

void append_value(std::string& line, std::string_view value) {
  if (value.size() <= kMaxValue && all_bare(value)) {
    line += value;
    return;
  }
  line += '"';
  const std::size_t begin = line.size();
  for (const char c : value) {
    if (line.size() - begin >= kMaxValue) {
      line += "...";
      break;
    }
    if (c == '"' || c == '\\') line += '\\';
    if (is_printable(c))
      line += c;
    else
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  line += '"';
}

void Field::append_to(std::string& line) const {
  line += ' ';
  line += key_;
  line += '=';
  switch (kind_) {
  case Kind::text:
    append_value(line, text_);
    break;
  case Kind::id:
    append_id(line, number_);
    break;
  case Kind::unsigned_number:
    append_number(line, number_);
    break;
  case Kind::signed_number:
    append_number(line, static_cast<std::int64_t>(number_));
    break;
  }
}

std::string format(const EventRow& event, Fields fields) {
  std::string line;
  append_event(line, event, fields);
  return line;
}

void set_up(Setup setup) { g_setup = std::move(setup); }

void write(EventName event, Fields fields) {
  if (event.row().level <= g_setup.level) write_line(event.row(), fields);
}

void fatal(std::string_view reason) {
  write_line(EventName{"fatal"}.row(), {{"reason", reason}});
  ::_exit(kFatalExit);
}

std::optional<ParsedLine> parse_line(std::string_view line) {
  ParsedLine parsed;
  if (line.size() >= kMaxLine || !line.starts_with('[')) return {};
  const auto [end, error] = std::from_chars(line.data() + 1, line.data() + line.size(), parsed.pid);
  if (error != std::errc{}) return {};
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (!line.starts_with("] ")) return {};
  line.remove_prefix(2);

  const std::size_t name_end = std::min(line.find(' '), line.size());
  parsed.event = find_event(line.substr(0, name_end));
  if (parsed.event == nullptr) return {};
  parsed.fields = line.substr(name_end);
  for (std::string_view rest = parsed.fields; !rest.empty();)
    if (!skip_field(rest)) return {};
  return parsed;
}

std::string timestamp(std::int64_t microseconds_since_1970) {
  using namespace std::chrono;
  const sys_time<microseconds> time{microseconds{microseconds_since_1970}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace mailroom::log
