#include "libcommon/policy/suspension.h"

#include <catch2/catch.hpp>

using namespace mailroom::policy;

namespace {

constexpr std::uint64_t kNow = 1'000'000'000, kHour = 3600, kWindow = 24 * kHour;

}  // namespace

TEST_CASE("a refused report counts once, whenever it is told again") {
  RefusedReports reports;
  CHECK(note_refused_report(reports, 7, kNow, kWindow) == NotedReport::first_time);
  CHECK(note_refused_report(reports, 7, kNow + 1, kWindow) == NotedReport::again);
  CHECK(note_refused_report(reports, 8, kNow + 1, kWindow) == NotedReport::first_time);
  CHECK(counting(reports, kNow + 1, kWindow) == 2);
  CHECK(note_refused_report(reports, 7, kNow + 6 * 24 * kHour, kWindow) == NotedReport::again);
}

TEST_CASE("what is older than the window does not count, and is forgotten later") {
  RefusedReports reports;
  note_refused_report(reports, 1, kNow, kWindow);
  CHECK(counting(reports, kNow + kWindow - 1, kWindow) == 1);
  CHECK(counting(reports, kNow + kWindow, kWindow) == 0);
  CHECK(counting(reports, kNow + kWindow, 2 * kWindow) == 1);
  note_refused_report(reports, 2, kNow + kMinMemory, kWindow);
  CHECK(reports.size() == 1);
  note_refused_report(reports, 3, kNow + 2 * kMinMemory, 3 * kMinMemory);  // a window that is longer
  CHECK(reports.size() == 2);
}

TEST_CASE("what something has followed from counts no more, and is still known") {
  RefusedReports reports;
  note_refused_report(reports, 1, kNow, kWindow);
  spend(reports);
  CHECK(counting(reports, kNow, kWindow) == 0);
  CHECK(note_refused_report(reports, 1, kNow, kWindow) == NotedReport::again);
  note_refused_report(reports, 2, kNow, kWindow);
  CHECK(counting(reports, kNow, kWindow) == 1);
}

TEST_CASE("many reports fill no memory: the oldest go") {
  RefusedReports reports;
  for (std::uint64_t id = 1; id <= kMaxRefusedReports + 10; ++id)
    note_refused_report(reports, id, kNow, kWindow);
  CHECK(reports.size() == kMaxRefusedReports);
  CHECK(reports.front().queue_id == 11);
}

TEST_CASE("the message to a contact is well formed, whatever a registration or another host says") {
  const std::string notice =
      suspension_notice({.device = "scanner1",
                         .purpose = "scans\r\nBcc: <everybody> \xc3\xa4 " + std::string(500, 'x'),
                         .why = "a report to <\xff> was refused: 550 5.1.1 no such user",
                         .from = "postmaster@example.org",
                         .to = "\xc3\xa4@example.org\r\nX: y",
                         .help = "the help desk, 555-0100",
                         .date = "Sun, 22 Nov 2026 01:02:03 +0000",
                         .id = "suspended.scanner1@mail.example.org"});
  CHECK(notice.find("\r\nSubject: The mail of device scanner1 is refused from now on\r\n") !=
        std::string::npos);
  CHECK(notice.find("\r\nTo: ??@example.org??X: y\r\n") != std::string::npos);
  CHECK(notice.find("550 5.1.1 no such user") != std::string::npos);
  CHECK(notice.find("the help desk, 555-0100") != std::string::npos);
  CHECK(notice.find("\r\nBcc") == std::string::npos);
  CHECK(notice.ends_with("\r\n"));
  for (std::size_t begin = 0; begin < notice.size();) {
    const std::size_t end = notice.find("\r\n", begin);
    REQUIRE(end != std::string::npos);
    const std::string line = notice.substr(begin, end - begin);
    CHECK(line.size() < 998);
    for (const char c : line) CHECK((c >= ' ' && c <= '~'));
    begin = end + 2;
  }
}
