#include <catch2/catch.hpp>

#include <random>
#include <vector>

#include "daemons/log.h"
#include "daemons/logd/lines.h"

using namespace mailroom;
using logd::LineAssembler;
using logd::render;

namespace {

using Lines = std::vector<std::string>;

Lines feed(LineAssembler& assembler, std::string_view octets) {
  Lines lines;
  assembler.feed(octets, [&](std::string_view line) { lines.emplace_back(line); });
  return lines;
}

constexpr std::int64_t kNow = 1795309323'123456;

}  // namespace

TEST_CASE("lines are put together however they are cut") {
  LineAssembler assembler;
  CHECK(feed(assembler, "a").empty());
  CHECK(feed(assembler, "b\n\nc") == Lines{"ab", ""});
  CHECK(feed(assembler, "d\n") == Lines{"cd"});
  CHECK(feed(assembler, "rest").empty());
  CHECK(assembler.take_rest() == "rest");
  CHECK(assembler.take_rest().empty());
}

TEST_CASE("a line without end is given out in pieces and never kept") {
  LineAssembler assembler;
  const auto lines = feed(assembler, std::string(2 * log::kMaxLine + 1, 'a'));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].size() == log::kMaxLine);
  CHECK(assembler.take_rest() == "a");
}

TEST_CASE("an event gets its time and process") {
  CHECK(render("smtpd-mx", "[12] tls-failed session=00ab reason=\"no shared cipher\"", kNow) ==
        "2026-11-22T01:02:03.123456Z smtpd-mx[12] tls-failed session=00ab reason=\"no shared cipher\"\n");
}

TEST_CASE("what is no event is shown as stray output, escaped") {
  CHECK(render("pop3d", "terminate called", kNow) ==
        "2026-11-22T01:02:03.123456Z pop3d stray-output text=\"terminate called\"\n");
  CHECK(render("pop3d", "2026-11-22T01:02:03.123456Z authd[1] login-succeeded", kNow) ==
        "2026-11-22T01:02:03.123456Z pop3d stray-output "
        "text=\"2026-11-22T01:02:03.123456Z authd[1] login-succeeded\"\n");
  CHECK(render("pop3d", "[1] stopped \x1b[2J", kNow) ==
        "2026-11-22T01:02:03.123456Z pop3d stray-output text=\"[1] stopped \\x1b[2J\"\n");
}

TEST_CASE("whatever a process writes, the log is printable lines that name it") {
  std::mt19937 random{1};
  LineAssembler assembler;
  const std::string prefix = "2026-11-22T01:02:03.123456Z smtpd-mx";
  for (int i = 0; i < 2'000; ++i) {
    std::string octets(random() % 500, '\0');
    for (auto& c : octets) c = static_cast<char>(random());
    assembler.feed(octets, [&](std::string_view line) {
      auto rendered = render("smtpd-mx", line, kNow);
      const bool one_line = rendered.find('\n') == rendered.size() - 1;
      rendered.pop_back();
      const bool printable = std::ranges::all_of(rendered, [](char c) { return c >= 0x20 && c <= 0x7e; });
      if (!one_line || !printable || !rendered.starts_with(prefix)) FAIL("forged: " << rendered);
    });
  }
}
