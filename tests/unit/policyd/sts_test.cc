// StsDesk: what is fetched when, what is kept, what is answered.
#include <catch2/catch.hpp>

#include "daemons/policyd/sts_desk.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/routing/sts_policy.h"
#include "tests/unit/daemon_host.h"

using namespace mailroom;
using namespace mailroom::policyd;
using routing::StsMode;

namespace {

constexpr std::uint64_t kDay = 24 * 3600;

std::string policy_file(const std::string& mode, std::uint64_t max_age = 7 * kDay) {
  return "version: STSv1\nmode: " + mode + "\nmx: *.example.net\nmax_age: " + std::to_string(max_age) + "\n";
}

// A desk whose web is in the hands of the test.
class Desk : public test::DaemonHost {
 public:
  Desk() { start(); }

  void start() {
    desk.reset();
    directory.reset();
    directory.emplace(state::Directory::open(".", 64 << 20));
    desk.emplace(
        loop, *directory,
        [this](const std::string& domain, std::function<void(const StsDesk::Fetched&)> then) {
          fetches.emplace_back(domain, std::move(then));
        },
        [this] { return now; },
        [this](const std::string& domain, const StsTrouble& trouble) {
          troubles.push_back(domain + ' ' + trouble.result);
        });
  }

  void ask(const std::string& domain, const std::string& label) {
    desk->find({++question, domain, label},
               [this](const StsPolicyFound& found) { answers.push_back(found); });
  }
  StsPolicyFound answer() {
    REQUIRE(answers.size() == 1);
    return std::exchange(answers, {}).front();
  }
  void serve(const StsDesk::Fetched& file) {
    REQUIRE_FALSE(fetches.empty());
    const auto then = fetches.front().second;
    fetches.erase(fetches.begin());
    then(file);
  }
  StsPolicyFound ask_and_serve(const std::string& label, const StsDesk::Fetched& file) {
    ask("example.org", label);
    serve(file);
    return answer();
  }

  std::uint64_t now = 1'800'000'000;
  std::uint64_t question = 0;
  std::optional<state::Directory> directory;
  std::optional<StsDesk> desk;
  std::vector<std::pair<std::string, std::function<void(const StsDesk::Fetched&)>>> fetches;
  std::vector<StsPolicyFound> answers;
  std::vector<std::string> troubles;
};

const StsDesk::Fetched kDown = std::unexpected(StsTrouble{"sts-policy-fetch-error", "no answer"});

}  // namespace

TEST_CASE("a policy is fetched once for each label") {
  Desk test;
  const StsPolicyFound first = test.ask_and_serve("1", policy_file("enforce"));
  CHECK(first.mode == StsMode::enforce);
  CHECK(first.mx == std::vector<std::string>{"*.example.net"});
  CHECK(first.ttl == kStsAnswerTtl);
  test.ask("example.org", "1");
  CHECK(test.answer().mode == StsMode::enforce);
  CHECK(test.fetches.empty());
  CHECK(test.ask_and_serve("2", policy_file("testing")).mode == StsMode::testing);
}

TEST_CASE("without a TXT record, or when it cannot be had, what is kept counts (RFC 8461 5.1)") {
  Desk test;
  test.ask("example.org", "");
  CHECK(test.answer().mode == StsMode::none);
  CHECK(test.fetches.empty());
  test.ask_and_serve("1", policy_file("enforce"));
  test.ask("example.org", "");
  CHECK(test.answer().mode == StsMode::enforce);
  test.now += 7 * kDay;
  test.ask("example.org", "");
  CHECK(test.answer().mode == StsMode::none);
}

TEST_CASE("a failed fetch leaves what is kept until it ends, and is tried again after five minutes") {
  Desk test;
  test.ask_and_serve("1", policy_file("enforce"));
  const StsPolicyFound kept = test.ask_and_serve("2", kDown);
  CHECK(kept.mode == StsMode::enforce);
  CHECK(kept.problem == "sts-policy-fetch-error: no answer");
  CHECK(kept.ttl == kStsNoAnswerTtl);
  test.ask("example.org", "2");
  CHECK(test.answer().mode == StsMode::enforce);
  CHECK(test.fetches.empty());
  test.now += kStsRetry;
  CHECK(test.ask_and_serve("2", "nonsense").problem == "sts-policy-invalid: a line without a colon");
  CHECK(test.troubles ==
        std::vector<std::string>{"example.org sts-policy-fetch-error", "example.org sts-policy-invalid"});
  test.now += kStsRetry;
  const StsPolicyFound mended = test.ask_and_serve("2", policy_file("none"));
  CHECK(mended.mode == StsMode::none);
  CHECK(mended.problem.empty());
}

TEST_CASE("a domain whose first fetch fails has no policy") {
  Desk test;
  const StsPolicyFound found = test.ask_and_serve("1", kDown);
  CHECK(found.mode == StsMode::none);
  CHECK_FALSE(found.problem.empty());
  CHECK(test.desk->kept("example.org") == nullptr);
}

TEST_CASE("a long policy and the words of why there is no newer one fit a packet") {
  Desk test;
  std::string file = "version: STSv1\nmode: enforce\nmax_age: 604800\n";
  const std::string label(60, 'a');
  for (std::size_t i = 0; i < routing::kMaxStsMx; ++i)
    file += "mx: " + std::to_string(i) + '.' + label + '.' + label + '.' + label + '\n';
  CHECK(test.ask_and_serve("1", file).mode == StsMode::enforce);
  const StsDesk::Fetched broken =
      std::unexpected(StsTrouble{"sts-policy-fetch-error", std::string(60'000, 'w')});
  const StsPolicyFound found = test.ask_and_serve("2", broken);
  CHECK(found.mode == StsMode::enforce);
  CHECK(found.problem.starts_with("sts-policy-fetch-error: www"));
  CHECK(ipc::encode(PolicydAnswersQueued{found}).size() <= ipc::kMaxPacket);
}

TEST_CASE("questions for one domain share a fetch") {
  Desk test;
  test.ask("example.org", "1");
  test.ask("example.org", "1");
  CHECK(test.fetches.size() == 1);
  test.serve(policy_file("enforce"));
  CHECK(test.answers.size() == 2);
}

TEST_CASE("policies survive a restart, those that have ended do not") {
  Desk test;
  test.ask_and_serve("1", policy_file("enforce", kDay));
  test.start();
  test.ask("example.org", "1");
  CHECK(test.answer().mode == StsMode::enforce);
  test.now += kDay;
  test.start();
  CHECK(test.desk->kept("example.org") == nullptr);
}

TEST_CASE("what is in use is fetched anew before it ends; what is not ends") {
  Desk test;
  test.ask_and_serve("1", policy_file("enforce"));
  test.now += kDay - 1;
  test.desk->refresh();
  CHECK(test.fetches.empty());
  test.now += 1;
  test.desk->refresh();
  test.desk->refresh();
  REQUIRE(test.fetches.size() == 1);
  test.serve(policy_file("testing"));
  CHECK(test.desk->kept("example.org")->mode == StsMode::testing);
  test.now += 2 * kDay;
  test.desk->refresh();
  CHECK(test.fetches.empty());
  test.ask("example.org", "1");
  test.desk->refresh();
  test.serve(kDown);
  CHECK(test.desk->kept("example.org")->mode == StsMode::testing);
}

TEST_CASE("fetches and domains are bounded") {
  Desk test;
  for (std::size_t i = 0; i < kMaxStsFetches + 5; ++i) test.ask("d" + std::to_string(i) + ".example", "1");
  CHECK(test.fetches.size() == kMaxStsFetches);
  while (!test.fetches.empty()) test.serve(kDown);
  CHECK(test.answers.size() == kMaxStsFetches + 5);
  test.answers.clear();
  test.ask_and_serve("1", policy_file("enforce"));
  for (std::size_t i = 0; i < kMaxStsDomains; ++i) {
    test.ask("e" + std::to_string(i) + ".example", "1");
    test.serve(kDown);
  }
  CHECK(test.desk->kept("example.org") != nullptr);
}
