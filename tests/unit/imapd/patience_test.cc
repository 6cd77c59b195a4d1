// How long a session waits for its client (SECURITY.md V11): by the deadlines that it sets, on a stream on
// which time does not pass.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "daemons/imapd/session.h"
#include "tests/fuzz/octet_stream.h"
#include "tests/unit/imapd/fakes.h"

namespace mailroom {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

constexpr auto kForPortion = 5min;
constexpr std::size_t kLargestPortion = 256 * 1024;
constexpr auto kSlowTest = 1min;  // between the setting of a deadline and a look at it

bool is_about(Time deadline, std::chrono::seconds patience) {
  const auto left = deadline - std::chrono::steady_clock::now();
  return left <= patience && left > patience - kSlowTest;
}

// Takes so many octets, and then none before the deadline.
class LazyClient : public OctetStream {
 public:
  LazyClient(std::string_view commands, std::size_t takes) : OctetStream{commands}, takes_{takes} {}

  void set_deadline(Time deadline) override { deadline_ = deadline; }
  void write(std::string_view bytes) override {
    if (!is_about(deadline_, kForPortion)) FAIL("a portion without a deadline of its own");
    largest = std::max(largest, bytes.size());
    ++portions;
    if (bytes.size() > takes_) throw StreamError{StreamError::Kind::timeout, "the deadline has passed"};
    takes_ -= bytes.size();
  }

  std::size_t largest = 0, portions = 0;

 private:
  std::size_t takes_;
  Time deadline_ = Time::max();
};

// What the client has to say is there when it is waited for first; after that it says nothing before the
// deadline.
class Silence : public imapd::Wait {
 public:
  explicit Silence(bool speaks_first) : speaks_{speaks_first} {}
  Woke for_client(Time deadline) override { return for_both(deadline); }
  Woke for_both(Time deadline) override {
    if (std::exchange(speaks_, false)) return Woke::client;
    deadlines.push_back(deadline);
    return Woke::deadline;
  }
  std::vector<Time> deadlines;

 private:
  bool speaks_;
};

constexpr std::string_view kFetch = "a SELECT INBOX\r\nb FETCH 1 BODY.PEEK[]\r\nc LOGOUT\r\n";
constexpr std::size_t kContent = 2 << 20;

struct Reader {
  TemporaryAccount account;
  mailbox::Mailbox mail = account.open();
  Reader() { append_message(mail, "INBOX", "Subject: large\r\n\r\n" + std::string(kContent, 'y') + "\r\n"); }
};

}  // namespace

TEST_CASE("a client that does not read what it asked for is waited for, for each portion, and then no more") {
  Reader reader;
  ClientFirst wait;
  SECTION("it reads all") {
    LazyClient client{kFetch, 2 * kContent};
    imapd::run_session(client, reader.mail, wait, {});
    CHECK(client.portions > kContent / kLargestPortion);
    CHECK(client.largest <= kLargestPortion);
  }
  SECTION("it stops") {
    LazyClient client{kFetch, kContent / 2};
    CHECK_THROWS_AS(imapd::run_session(client, reader.mail, wait, {}), StreamError);
    CHECK(client.portions < kContent / kLargestPortion);
  }
}

TEST_CASE("a client that says nothing is told so and left after the time of the configuration") {
  Reader reader;
  for (const auto* const commands : {"", "a SELECT INBOX\r\nb IDLE\r\n"}) {
    OctetStream client{commands};
    Silence silence{*commands != '\0'};
    imapd::run_session(client, reader.mail, silence, {.idle_timeout = 30min});
    REQUIRE(silence.deadlines.size() == 1);
    CHECK(is_about(silence.deadlines.front(), 30min));
    CHECK(client.output.find("* BYE Nothing was done for too long, please log in again\r\n") !=
          std::string::npos);
  }
}

}  // namespace mailroom
