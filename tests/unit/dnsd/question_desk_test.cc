#include "daemons/dnsd/question_desk.h"

#include <catch2/catch.hpp>

#include <utility>
#include <vector>

#include "tests/unit/daemon_host.h"

namespace mailroom::dnsd {
namespace {

using namespace std::chrono_literals;

// Answers when the test says so.
class SlowLookups final : public Lookups {
 public:
  void look_up(AskerKey, const dns::Question& question, Waiting wait) override {
    waiting.emplace_back(question, std::move(wait.on_answer));
    still.push_back(std::move(wait.is_still));
  }
  void abandoned(AskerKey, const dns::Question& question) override { given_up.push_back(question.name); }
  void answer(std::size_t which, dns::Answer answer) {
    auto [question, on_answer] = std::move(waiting.at(which));
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(which));
    on_answer(answer);
  }
  std::vector<std::pair<dns::Question, OnAnswer>> waiting;
  std::vector<std::function<bool()>> still;  // of all that were asked
  std::vector<std::string> given_up;
};

struct Desk {
  test::DaemonHost host;
  SlowLookups lookups;
  std::vector<std::pair<AskerKey, DnsdToAsker>> answers;
  QuestionDesk desk{host.loop, lookups, [this](AskerKey asker, const DnsdToAsker& answer) {
                      answers.emplace_back(asker, answer);
                    }};

  const dns::Answer& looked_up(std::size_t which) {
    return std::get<LookedUp>(answers.at(which).second).answer;
  }
  const dns::MailHosts& found(std::size_t which) {
    return std::get<MailHostsFound>(answers.at(which).second).found;
  }
};

dns::Answer none() { return {.outcome = dns::Outcome::no_data}; }

TEST_CASE("a lookup goes to its asker with its number") {
  Desk d;
  d.desk.ask(7, LookUp{42, dns::Type::mx, "Example.ORG", {}}, 10s);
  d.desk.ask(8, LookUp{42, dns::Type::ptr, "", *parse_ip_and_port("192.0.2.1:25")}, 10s);
  REQUIRE(d.lookups.waiting.size() == 2);
  CHECK(d.lookups.waiting[0].first == dns::Question{dns::Type::mx, "example.org"});
  CHECK(d.lookups.waiting[1].first == dns::Question{dns::Type::ptr, "1.2.0.192.in-addr.arpa"});
  d.lookups.answer(1, {.outcome = dns::Outcome::no_domain});
  d.lookups.answer(0, none());
  REQUIRE(d.answers.size() == 2);
  CHECK(d.answers[0].first == 8);
  CHECK(d.looked_up(0).outcome == dns::Outcome::no_domain);
  CHECK(d.answers[1].first == 7);
  CHECK(std::get<LookedUp>(d.answers[1].second).question == 42);
}

TEST_CASE("a lookup is waited for as long as its asker is there") {
  Desk d;
  d.desk.ask(7, LookUp{42, dns::Type::mx, "example.org", {}}, 10s);
  d.desk.ask(8, LookUp{42, dns::Type::mx, "example.net", {}}, 10s);
  REQUIRE(d.lookups.still.size() == 2);
  d.desk.forget(7);
  CHECK_FALSE(d.lookups.still[0]());
  CHECK(d.lookups.still[1]());
  d.lookups.answer(1, none());
  CHECK_FALSE(d.lookups.still[1]());
}

TEST_CASE("what is no longer waited for is given up") {
  Desk d;
  d.desk.ask(7, LookUp{1, dns::Type::mx, "answered.example", {}}, 10s);
  d.lookups.answer(0, none());
  d.desk.ask(7, FindMailHosts{2, "half.example", true, 25}, 10s);  // A, AAAA
  d.lookups.answer(0, none());
  d.desk.ask(9, LookUp{4, dns::Type::mx, "open.example", {}}, 10s);
  CHECK(d.lookups.given_up.empty());
  d.desk.forget(7);
  CHECK(d.lookups.given_up == std::vector<std::string>{"half.example"});
  CHECK(d.answers.size() == 1);
}

TEST_CASE("so is what has had its time") {
  Desk d;
  d.desk.ask(7, LookUp{1, dns::Type::mx, "late.example", {}}, 1ms);
  d.desk.ask(7, LookUp{2, dns::Type::mx, "open.example", {}}, 10s);
  d.host.pump(60ms);
  REQUIRE(d.answers.size() == 1);
  CHECK(d.lookups.given_up == std::vector<std::string>{"late.example"});
}

TEST_CASE("a search asks on until it is done") {
  Desk d;
  d.desk.ask(1, FindMailHosts{5, "example.org", true, 25}, 10s);
  REQUIRE(d.lookups.waiting.size() == 2);  // A, AAAA
  d.lookups.answer(0, none());
  CHECK(d.answers.empty());
  d.lookups.answer(0, none());
  REQUIRE(d.answers.size() == 1);
  CHECK(std::get<MailHostsFound>(d.answers[0].second).question == 5);
  CHECK(d.found(0).outcome == dns::Outcome::no_data);
}

TEST_CASE("what is no question is answered without the DNS") {
  Desk d;
  d.desk.ask(1, LookUp{1, dns::Type::a, "not a name", {}}, 10s);
  d.desk.ask(1, LookUp{2, static_cast<dns::Type>(2), "example.org", {}}, 10s);
  d.desk.ask(1, FindMailHosts{3, "", false, 25}, 10s);
  d.desk.ask(1, LookUp{4, dns::Type::a, "a..b", {}}, 10s);
  CHECK(d.lookups.waiting.empty());
  REQUIRE(d.answers.size() == 4);
  CHECK(d.looked_up(0).outcome == dns::Outcome::no_domain);
  CHECK(d.looked_up(1).outcome == dns::Outcome::failed);
  CHECK(d.found(2).outcome == dns::Outcome::no_domain);
  CHECK(d.looked_up(3).outcome == dns::Outcome::no_domain);
}

TEST_CASE("after its time a question has failed, and the late answer is nobody's") {
  Desk d;
  d.desk.ask(1, LookUp{1, dns::Type::a, "slow.example", {}}, 20ms);
  d.desk.ask(1, FindMailHosts{2, "slow.example", false, 25}, 20ms);
  d.desk.ask(1, LookUp{3, dns::Type::a, "slower.example", {}}, 10s);
  d.host.pump(60ms);
  REQUIRE(d.answers.size() == 2);
  CHECK(d.looked_up(0).outcome == dns::Outcome::failed);
  CHECK(d.looked_up(0).problem == "no answer in time");
  CHECK(d.found(1).outcome == dns::Outcome::failed);
  while (!d.lookups.waiting.empty()) d.lookups.answer(0, none());
  CHECK(d.answers.size() == 3);  // the third was in time
}

TEST_CASE("an asker that has gone is not answered") {
  Desk d;
  d.desk.ask(1, LookUp{1, dns::Type::a, "example.org", {}}, 10s);
  d.desk.ask(2, LookUp{1, dns::Type::a, "example.org", {}}, 10s);
  d.desk.forget(1);
  while (!d.lookups.waiting.empty()) d.lookups.answer(0, none());
  REQUIRE(d.answers.size() == 1);
  CHECK(d.answers[0].first == 2);
}

TEST_CASE("more questions at once than one asker may have fail; another's do not") {
  Desk d;
  for (DnsQuestionId i = 0; i < QuestionDesk::kMaxOpen; ++i)
    d.desk.ask(1, LookUp{i, dns::Type::a, "example.org", {}}, 10s);
  CHECK(d.answers.empty());
  d.desk.ask(1, LookUp{9'999, dns::Type::a, "example.org", {}}, 10s);
  REQUIRE(d.answers.size() == 1);
  CHECK(d.looked_up(0).outcome == dns::Outcome::failed);
  CHECK(d.looked_up(0).problem == "too many questions at once");
  d.desk.ask(2, LookUp{1, dns::Type::a, "example.org", {}}, 10s);
  CHECK(d.answers.size() == 1);
  d.lookups.answer(0, none());
  d.desk.ask(1, LookUp{10'000, dns::Type::a, "example.org", {}}, 10s);
  CHECK(d.answers.size() == 2);  // the answer; there is room again
}

}  // namespace
}  // namespace mailroom::dnsd
