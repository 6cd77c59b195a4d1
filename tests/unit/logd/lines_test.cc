#include <catch2/catch.hpp>

#include <random>
#include <vector>

#include "daemons/log.h"
#include "daemons/logd/event_counts.h"
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

constexpr std::string_view kNow = "2026-11-22T01:02:03.123456Z";

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
  CHECK(render("smtpd-mx", "[12] tls-failed session=00ab reason=\"no shared cipher\"", kNow).text ==
        "2026-11-22T01:02:03.123456Z smtpd-mx[12] tls-failed session=00ab reason=\"no shared cipher\"\n");
}

TEST_CASE("what is no event is shown as stray output, escaped") {
  CHECK(render("pop3d", "terminate called", kNow).text ==
        "2026-11-22T01:02:03.123456Z pop3d stray-output text=\"terminate called\"\n");
  CHECK(render("pop3d", "2026-11-22T01:02:03.123456Z authd[1] login-succeeded", kNow).text ==
        "2026-11-22T01:02:03.123456Z pop3d stray-output "
        "text=\"2026-11-22T01:02:03.123456Z authd[1] login-succeeded\"\n");
  CHECK(render("pop3d", "[1] stopped \x1b[2J", kNow).text ==
        "2026-11-22T01:02:03.123456Z pop3d stray-output text=\"[1] stopped \\x1b[2J\"\n");
}

TEST_CASE("a line counts as its event, and says how many were lost before it") {
  CHECK(render("pop3d", "[1] tls-failed reason=x", kNow).event->name == "tls-failed");
  CHECK(render("pop3d", "[1] no-such-event", kNow).event->name == "stray-output");
  CHECK(render("pop3d", "[1] tls-failed reason=x dropped=17", kNow).dropped == 17);
  CHECK(render("pop3d", "[1] tls-failed dropped=17 reason=x", kNow).dropped == 0);
  CHECK(render("pop3d", "[1] tls-failed reason=\"x dropped=17\"", kNow).dropped == 0);
  CHECK(render("pop3d", "[1] tls-failed dropped=99999999999999999999", kNow).dropped == 0);
}

TEST_CASE("lines are counted by event") {
  logd::EventCounts counts;
  CHECK(counts.all().empty());
  for (const auto* line :
       {"[1] tls-failed reason=x", "[2] tls-failed reason=y dropped=2", "oops", "[1] fatal dropped=1"})
    counts.count(render("pop3d", line, kNow));
  const auto all = counts.all();
  REQUIRE(all.size() == 3);
  CHECK(std::pair{all[0].event, all[0].lines} == std::pair{std::string{"fatal"}, std::uint64_t{1}});
  CHECK(std::pair{all[1].event, all[1].lines} == std::pair{std::string{"tls-failed"}, std::uint64_t{2}});
  CHECK(std::pair{all[2].event, all[2].lines} == std::pair{std::string{"stray-output"}, std::uint64_t{1}});
  CHECK(counts.dropped() == 3);
}

TEST_CASE("whatever a process writes, the log is printable lines that name it") {
  std::mt19937 random{1};
  LineAssembler assembler;
  const std::string prefix = "2026-11-22T01:02:03.123456Z smtpd-mx";
  for (int i = 0; i < 2'000; ++i) {
    std::string octets(random() % 500, '\0');
    for (auto& c : octets) c = static_cast<char>(random());
    assembler.feed(octets, [&](std::string_view line) {
      auto rendered = render("smtpd-mx", line, kNow).text;
      const bool one_line = rendered.find('\n') == rendered.size() - 1;
      rendered.pop_back();
      const bool printable = std::ranges::all_of(rendered, [](char c) { return c >= 0x20 && c <= 0x7e; });
      if (!one_line || !printable || !rendered.starts_with(prefix)) FAIL("forged: " << rendered);
    });
  }
}
