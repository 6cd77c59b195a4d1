// WebDesk: what it has stsd do, and how much of it at a time.
#include "daemons/policyd/web_desk.h"

#include <catch2/catch.hpp>

#include "tests/unit/daemon_host.h"

using namespace mailroom;
using namespace mailroom::policyd;
using namespace std::chrono_literals;

namespace {

// A desk whose dnsd and stsd are in the hands of the test.
class Desk : public test::DaemonHost {
 public:
  Desk() {
    auto [near, far] = ipc::make_channel();
    dns_.attach("policyd-dnsd", "dnsd#1", std::move(near));
    dnsd_ = Dnsd{std::move(far)};
    attach_stsd();
  }

  void attach_stsd() {
    auto [near, far] = ipc::make_channel();
    desk.attach("stsd#1", std::move(near));
    stsd = Stsd{std::move(far)};
  }

  void post(std::size_t number) {
    for (std::size_t i = 0; i < number; ++i)
      desk.post_report({"reports.example.net", 0, "/v1"}, "report",
                       [this](const std::string& problem) { ended.push_back(problem); });
  }

  // Answers every question of the DNS, and gives what stsd has been told by then.
  std::vector<PolicydToStsd> asked() {
    for (bool is_idle = false; !is_idle;) {
      is_idle = true;
      while (const auto question = dnsd_.next_as<LookUp>()) {
        is_idle = false;
        dns::Answer answer{.outcome = dns::Outcome::answer};
        if (question->type == dns::Type::a) answer.addresses = {address};
        dnsd_.send(LookedUp{question->question, answer});
      }
      pump();
    }
    std::vector<PolicydToStsd> messages;
    while (auto message = stsd.next()) messages.push_back(std::move(*message));
    return messages;
  }

 private:
  using Dnsd = test::FarEnd<DnsdToAsker, AskerToDnsd>;
  using Stsd = test::FarEnd<StsdToPolicyd, PolicydToStsd>;

  DnsClient dns_{loop, 1s};
  Dnsd dnsd_;
  std::vector<IpNetwork> allowed_;

 public:
  IpAddress address = *parse_ip_and_port("198.51.100.1:0");
  WebDesk desk{loop, dns_, allowed_};
  Stsd stsd;
  std::vector<std::string> ended;  // the posts' problems
};

}  // namespace

TEST_CASE("posts beyond the limit wait for those before them, and no fetch waits for a post") {
  Desk test;
  test.post(kMaxReportPosts + 2);
  const std::vector<PolicydToStsd> first = test.asked();
  REQUIRE(first.size() == kMaxReportPosts);
  bool is_fetched = false;
  test.desk.fetch_policy("example.org", [&](const StsDesk::Fetched&) { is_fetched = true; });
  const std::vector<PolicydToStsd> second = test.asked();
  REQUIRE(second.size() == 1);
  test.stsd.send(StsFileFetched{std::get<FetchStsFile>(second.front()).question, "file", {}, {}});
  test.pump();
  CHECK(is_fetched);
  CHECK(test.ended.empty());
  test.stsd.send(TlsReportPosted{std::get<PostTlsReport>(first.front()).question, "HTTP status 503"});
  test.pump();
  CHECK(test.ended == std::vector<std::string>{"HTTP status 503"});
  CHECK(test.asked().size() == 1);
}

TEST_CASE("the posts that wait are bounded") {
  Desk test;
  test.post(kMaxReportPosts + kMaxWaitingPosts);
  CHECK(test.ended.empty());
  test.post(1);
  CHECK(test.ended == std::vector<std::string>{"too many reports wait"});
  CHECK(test.asked().size() == kMaxReportPosts);
}

TEST_CASE("a host without an address, or with a private one, makes room for the next post") {
  Desk test;
  test.address = *parse_ip_and_port(GENERATE("127.0.0.1:0", "10.0.0.1:0"));
  test.post(kMaxReportPosts + 2);
  CHECK(test.asked().empty());
  CHECK(test.ended.size() == kMaxReportPosts + 2);
}

TEST_CASE("what stsd had under way has failed when it goes away; what waits goes to its successor") {
  Desk test;
  test.post(kMaxReportPosts + 2);
  CHECK(test.asked().size() == kMaxReportPosts);
  test.stsd.close();
  test.pump();
  CHECK(test.ended == std::vector<std::string>(kMaxReportPosts, "stsd does not answer"));
  test.attach_stsd();
  CHECK(test.asked().size() == 2);
}
