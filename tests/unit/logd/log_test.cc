#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <random>
#include <set>

#include "daemons/log.h"
#include "libcommon/sys/fd.h"

using namespace mailroom;

namespace {

std::string escaped(std::string_view value) {
  std::string line;
  log::append_value(line, value);
  return line;
}

const EventRow& row(EventName name) { return name.row(); }

struct Pipe {
  Fd read_end, write_end;
};

Pipe make_pipe() {
  int ends[2];
  REQUIRE(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
  return {Fd{ends[0]}, Fd{ends[1]}};
}

std::string read_all(const Fd& fd) {
  std::string all(1 << 20, '\0');
  const ssize_t got = ::read(fd.get(), all.data(), all.size());
  all.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return all;
}

}  // namespace

TEST_CASE("harmless values stand bare, all others in quotes and escaped") {
  CHECK(escaped("user@example.test") == "user@example.test");
  CHECK(escaped("") == "\"\"");
  CHECK(escaped("a b") == "\"a b\"");
  CHECK(escaped("a=b") == "\"a=b\"");
  CHECK(escaped("\"\\") == R"("\"\\")");
  CHECK(escaped("x\x1b]0;pwn\x07") == R"("x\x1b]0;pwn\x07")");
  CHECK(escaped("a\r\n2026-11-22 forged") == R"("a\x0d\x0a2026-11-22 forged")");
  CHECK(escaped("\xe2\x80\xae") == R"("\xe2\x80\xae")");
  CHECK(escaped(std::string_view{"\0", 1}) == R"("\x00")");
  CHECK(escaped("%s%n") == "%s%n");
}

TEST_CASE("a long value is cut and says so") {
  const auto value = escaped(std::string(log::kMaxValue + 1, 'a'));
  CHECK(value == '"' + std::string(log::kMaxValue, 'a') + "...\"");
  CHECK(escaped(std::string(log::kMaxValue, 'a')).size() == log::kMaxValue);
}

TEST_CASE("fields of every kind") {
  CHECK(log::format(row("session-started"),
                    {{"session", log::Id{0xab}}, {"account", "anna"}, {"uid", 1'000'001U}, {"child", -1}}) ==
        "session-started session=00000000000000ab account=anna uid=1000001 child=-1");
}

TEST_CASE("a line never exceeds its limit; what does not fit is left out") {
  const std::string nasty(log::kMaxValue, '\x01');
  const auto line = log::format(
      row("message-refused"),
      {{"a", nasty}, {"b", nasty}, {"c", nasty}, {"d", nasty}, {"session", log::Id{1}}, {"e", nasty}});
  CHECK(line.size() < log::kMaxLine);
  CHECK(line.find(" c=\"\\x01") != line.npos);
  CHECK(line.find(" d=") == line.npos);
  CHECK(line.ends_with(" session=0000000000000001 cut=yes"));
}

TEST_CASE("a value of octets to be escaped is cut by what it takes when written") {
  const auto value = escaped(std::string(log::kMaxValue, '\xff'));
  CHECK(value.size() == log::kMaxValue + 5);
  CHECK(value.ends_with("\\xff...\""));
}

TEST_CASE("a million random octets: every line is printable and reads back") {
  std::mt19937 random{4711};
  for (int i = 0; i < 20'000; ++i) {
    std::string value(random() % 50, '\0');
    for (auto& c : value) c = static_cast<char>(random());
    const auto line = "[1] " + log::format(row("login-failed"), {{"account", value}, {"reason", value}});
    for (const char c : line)
      if (c < 0x20 || c > 0x7e) FAIL("not printable: " << line);
    const auto parsed = log::parse_line(line);
    if (!parsed || parsed->event->name != "login-failed") FAIL("does not read back: " << line);
  }
}

TEST_CASE("only lines that the logger makes are taken for events") {
  const auto parsed = log::parse_line("[12] starting mode=\"a \\\" b\" x=1");
  REQUIRE(parsed);
  CHECK(parsed->pid == 12);
  CHECK(parsed->event->name == "starting");
  CHECK(parsed->fields == " mode=\"a \\\" b\" x=1");
  CHECK(log::parse_line("[1] stopped"));
  for (const std::string wrong : {"",
                                  "stopped",
                                  "[] stopped",
                                  "[1]stopped",
                                  "[-1] stopped",
                                  "[1] ",
                                  "[1] unheard-of",
                                  "[1] stopped ",
                                  "[1] stopped x",
                                  "[1] stopped x=",
                                  "[1] stopped =x",
                                  "[1] stopped x=\"",
                                  "[1] stopped x=\"a\\\"",
                                  "[1] stopped x=a=b",
                                  "[1] stopped X=a",
                                  "[1] stopped  x=a",
                                  "[1] stopped x=\"\x1b\"",
                                  "[1] stopped x=\x80",
                                  "[1] stopped x=\"\\\xdb\"",
                                  "[1] stopped x=\"\\n\"",
                                  "[1] stopped x=\"\\xg0\"",
                                  "[1] stopped x=\"\\x0",
                                  "[1] stopped x=\"a\"b=c",
                                  "[99999999999] stopped"})
    if (log::parse_line(wrong)) FAIL("taken: " << wrong);
  CHECK_FALSE(log::parse_line("[1] stopped x=" + std::string(log::kMaxLine, 'a')));
}

TEST_CASE("a full pipe drops lines, counts them, and never blocks") {
  const auto pipe = make_pipe();
  log::set_up({.fd = pipe.write_end.get()});
  const std::string value(log::kMaxValue, 'a');
  for (int i = 0; i < 1'000; ++i) log::write("stopping", {{"signal", value}});
  const auto first = read_all(pipe.read_end);
  const auto lines = std::count(first.begin(), first.end(), '\n');
  CHECK(first.ends_with('\n'));
  REQUIRE(lines < 1'000);
  log::write("stopped");
  CHECK(read_all(pipe.read_end).ends_with(" stopped dropped=" + std::to_string(1'000 - lines) + "\n"));
  log::set_up({});
}

TEST_CASE("levels above the configured one are not written") {
  const auto pipe = make_pipe();
  log::set_up({.fd = pipe.write_end.get(), .level = LogLevel::warning, .name = "test"});
  log::write("stopped");
  CHECK(read_all(pipe.read_end).empty());
  log::write("unprivileged");
  const auto line = read_all(pipe.read_end);
  CHECK(line.ends_with(" test[" + std::to_string(::getpid()) + "] unprivileged\n"));
  log::set_up({});
}

TEST_CASE("time stamps are UTC with microseconds") {
  CHECK(log::timestamp(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(log::timestamp(1795309323'123456) == "2026-11-22T01:02:03.123456Z");
}

TEST_CASE("the event table has words, keys and help, and no event twice") {
  std::set<std::string_view> names;
  for (const auto& event : kEvents) {
    INFO(event.name);
    CHECK(names.insert(event.name).second);
    CHECK(event.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == event.name.npos);
    CHECK(event.help.ends_with('.'));
  }
}
