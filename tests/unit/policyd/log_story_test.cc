// What mr-access why picks out of a log.
#include "tools/log_story.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace mailroom;

namespace {

const std::string kSession = "00000000000000aa", kOther = "00000000000000bb";

std::string line(const std::string& event, const std::string& facts) {
  return "2026-11-22T10:00:00.000Z policyd[7] " + event + " " + facts + "\n";
}

// The names of the events.
std::string story(const std::string& log, std::string_view id) {
  std::istringstream input{log};
  std::string names;
  for (const LoggedEvent& event : read_story(input, id).events) names += event.name + " ";
  return names;
}

// A session with a refusal and two messages, beside another one.
const std::string kLog =
    line("connection-opened", "session=" + kSession) + line("connection-opened", "session=" + kOther) +
    line("recipient-refused", "session=" + kSession + " rule=no-relay") +
    line("recipient-accepted", "session=" + kOther + " queue=q9 rule=local-recipient") +
    line("recipient-accepted", "session=" + kSession + " queue=q1 rule=local-recipient") +
    line("message-accepted", "session=" + kSession + " queue=q1") +
    line("recipient-accepted", "session=" + kSession + " queue=q2") +
    line("connection-closed", "session=" + kSession) + line("message-delivered", "queue=q1") +
    line("message-bounced", "queue=q2") + line("message-delivered", "queue=q9");

}  // namespace

TEST_CASE("a session is told with what became of its messages") {
  CHECK(story(kLog, kSession) ==
        "connection-opened recipient-refused recipient-accepted message-accepted recipient-accepted "
        "connection-closed message-delivered message-bounced ");
}

TEST_CASE("a message is told with its session, and without that session's other messages") {
  CHECK(story(kLog, "q1") ==
        "connection-opened recipient-refused recipient-accepted message-accepted connection-closed "
        "message-delivered ");
  CHECK(story(kLog, "q2") ==
        "connection-opened recipient-refused recipient-accepted connection-closed message-bounced ");
  CHECK(story(line("message-delivered", "queue=q1"), "q1") == "message-delivered ");
}

TEST_CASE("a message is told with the reports on it, and what became of those") {
  const std::string log = kLog + line("report-queued", "queue=r1 about=q1 action=failed") +
                          line("report-queued", "queue=r9 about=q9 action=failed") +
                          line("message-relayed", "queue=r1") + line("message-relayed", "queue=r9") +
                          line("report-dropped", "about=q1 action=delayed reason=\"it could not be made\"");
  const std::string of_q1 = "connection-opened recipient-refused recipient-accepted message-accepted "
                            "connection-closed message-delivered ";
  const std::string reports = "report-queued message-relayed report-dropped ";
  CHECK(story(log, "q1") == of_q1 + reports);
  CHECK(story(log, kSession).ends_with(reports));
  CHECK_FALSE(story(log, "q2").contains("report"));
  CHECK(story(log, "r1") == "report-queued message-relayed ");
  CHECK(story(line("report-dropped", "about=q1"), "q1") == "report-dropped ");
}

TEST_CASE("a name in a value, a part of an id and a line that is none tell nothing") {
  const std::string log =
      line("recipient-refused",
           "session=" + kOther + " recipient=\"" + kSession + " session=" + kSession + "\"") +
      line("connection-opened", "session=" + kSession + "0") + "session=" + kSession + "\n\n";
  CHECK(story(log, kSession).empty());
  CHECK(story(log, "").empty());
}

TEST_CASE("so much is looked back at, and not more") {
  std::string log = line("connection-opened", "session=" + kSession);
  for (std::size_t i = 0; i < kMaxKeptSessions; ++i)
    log += line("connection-opened", "session=s" + std::to_string(i));
  const std::string end = line("recipient-accepted", "session=s0 queue=q1") +
                          line("recipient-accepted", "session=" + kSession + " queue=q2");
  CHECK(story(log + end, "q1") == "connection-opened recipient-accepted ");
  CHECK(story(log + end, "q2") == "recipient-accepted ");
}
