// What the reports of RFC 8460 are told of an attempt to connect.
#include <catch2/catch.hpp>

#include "daemons/queued/tls_outcomes.h"

using namespace mailroom;
using namespace mailroom::queued;
using routing::TlsLevel;
using routing::TlsReason;

namespace {

const IpAddress kFirst = *parse_ip_and_port("192.0.2.1:25");
const IpAddress kSecond = *parse_ip_and_port("192.0.2.2:25");

routing::Plan plan(TlsLevel level, TlsReason reason) {
  routing::TlsRequirement tls{.level = level, .reason = reason, .names = {}};
  if (level == TlsLevel::dane) tls.tlsa = {{3, 1, 1, "\xab\xcd"}};
  return {.hops = {{"mx1.example", {kFirst}, tls}, {"mx2.example", {kSecond}, tls}}, .left_out = {}};
}

HopAttempt failed(const std::string& host, const IpAddress& address, RelayFailure failure,
                  const std::string& tls_result) {
  return {.host = host,
          .address = address,
          .failure = failure,
          .reply = {},
          .detail = "words",
          .tls_result = tls_result};
}

}  // namespace

TEST_CASE("a session over TLS is a success of its policy") {
  const Connected done{
      .host = "mx1.example", .address = kFirst, .tls = "TLSv1.3 X", .verified = true, .attempts = {}};
  const auto outcomes = outcomes_of("example.org", plan(TlsLevel::dane, TlsReason::dane), done);
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].domain == "example.org");
  CHECK(outcomes[0].reason == TlsReason::dane);
  CHECK(outcomes[0].policy == std::vector<std::string>{"3 1 1 abcd"});
  CHECK(outcomes[0].mx == "mx1.example");
  CHECK(outcomes[0].ip == "192.0.2.1");
  CHECK(outcomes[0].result == "");
}

TEST_CASE("hosts that failed before count, for TLS alone") {
  const Connected done{
      .host = "mx2.example",
      .address = kSecond,
      .tls = "TLSv1.3 X",
      .attempts = {failed("mx1.example", kFirst, RelayFailure::certificate, "certificate-expired"),
                   failed("mx1.example", kFirst, RelayFailure::tls_unavailable, ""),
                   failed("mx1.example", kFirst, RelayFailure::unreachable, ""),
                   failed("mx9.example", kFirst, RelayFailure::certificate, "certificate-expired")}};
  const auto outcomes = outcomes_of("example.org", plan(TlsLevel::certificate, TlsReason::mta_sts), done);
  REQUIRE(outcomes.size() == 3);
  CHECK(outcomes[0].result == "certificate-expired");
  CHECK(outcomes[0].detail == "words");
  CHECK(outcomes[1].result == "starttls-not-supported");
  CHECK(outcomes[2].result == "");
}

TEST_CASE("hosts that the policy leaves out are failures when their turn has come") {
  routing::Plan both = plan(TlsLevel::certificate, TlsReason::mta_sts);
  both.left_out = {{"mx0.example", 0, TlsReason::mta_sts, "validation-failure", "not among the hosts"},
                   {"mx15.example", 1, TlsReason::dane, "dnssec-invalid", "bogus"},
                   {"mx16.example", 1, TlsReason::requiretls, "", "no REQUIRETLS"},
                   {"mx3.example", 2, TlsReason::dane, "tlsa-invalid", "unusable"}};
  Connected done{.host = "mx1.example", .address = kFirst, .tls = "TLSv1.3 X", .attempts = {}};
  auto outcomes = outcomes_of("example.org", both, done);
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].mx == "mx0.example");
  CHECK(outcomes[0].ip.empty());
  CHECK(outcomes[0].reason == TlsReason::mta_sts);
  CHECK(outcomes[0].result == "validation-failure");
  CHECK(outcomes[0].detail == "not among the hosts");
  CHECK(outcomes[1].result.empty());
  done.host = "mx2.example";
  outcomes = outcomes_of("example.org", both, done);
  REQUIRE(outcomes.size() == 3);
  CHECK(outcomes[1].result == "dnssec-invalid");
  CHECK(outcomes_of("example.org", both, NotConnected{}).size() == 3);
  const routing::NoWay none{.text = {}, .left_out = {{both.left_out[0]}}};
  REQUIRE(outcomes_of("example.org", none).size() == 1);
  CHECK(outcomes_of("example.org", none)[0].result == "validation-failure");
}

TEST_CASE("plaintext is a failure, once") {
  Connected done{.host = "mx1.example", .address = kFirst, .attempts = {}};
  const auto opportunistic = plan(TlsLevel::may, TlsReason::default_policy);
  REQUIRE(outcomes_of("example.org", opportunistic, done).size() == 1);
  CHECK(outcomes_of("example.org", opportunistic, done)[0].result == "starttls-not-supported");
  done.attempts = {failed("mx1.example", kFirst, RelayFailure::tls_failed, "validation-failure")};
  REQUIRE(outcomes_of("example.org", opportunistic, done).size() == 1);
  CHECK(outcomes_of("example.org", opportunistic, done)[0].result == "validation-failure");
}

TEST_CASE("MTA-STS in testing: what would have failed; an operator's plaintext is no business of anybody") {
  const Connected done{.host = "mx1.example",
                       .address = kFirst,
                       .tls = "TLSv1.3 X",
                       .tls_result = "certificate-expired",
                       .attempts = {}};
  CHECK(outcomes_of("example.org", plan(TlsLevel::may, TlsReason::mta_sts), done)[0].result ==
        "certificate-expired");
  CHECK(outcomes_of("example.org", plan(TlsLevel::never, TlsReason::site_policy), done).empty());
  const NotConnected none{{failed("mx1.example", kFirst, RelayFailure::certificate, "tlsa-invalid")}};
  REQUIRE(outcomes_of("example.org", plan(TlsLevel::dane, TlsReason::dane), none).size() == 1);
  CHECK(outcomes_of("example.org", plan(TlsLevel::dane, TlsReason::dane), none)[0].result == "tlsa-invalid");
}

TEST_CASE("outcomes go in messages that fit a packet, however large the records of strangers are") {
  mailroom::event::Loop loop;
  auto [ours, theirs] = ipc::make_channel();
  PolicyQuestions policyd{loop};
  policyd.attach(std::move(ours));
  TlsOutcomeBatch batch{loop, policyd};
  routing::Plan large = plan(TlsLevel::dane, TlsReason::dane);
  for (routing::NextHop& hop : large.hops) hop.tls.tlsa.assign(20, {2, 0, 0, std::string(1'000, 'c')});
  NotConnected none{{failed("mx1.example", kFirst, RelayFailure::certificate, "certificate-expired")}};
  none.attempts[0].detail = std::string(60'000, 'd');
  constexpr std::size_t kOutcomes = 60;
  for (std::size_t i = 0; i < kOutcomes; ++i) batch.not_connected("example.org", large, none);
  batch.flush();
  mailroom::event::Timer over{loop, [&] { loop.stop(); }};
  over.start(std::chrono::milliseconds{20});
  loop.run();
  ipc::MessageChannel<PolicydAnswersQueued, QueuedAsksPolicyd> end{std::move(theirs)};
  std::size_t told = 0;
  while (told < kOutcomes) {
    const auto message = end.receive(decltype(end)::Wait::no, 0);
    REQUIRE(message);
    for (const TlsOutcome& outcome : std::get<TlsOutcomes>(message->message).outcomes) {
      ++told;
      REQUIRE(outcome.policy.size() == 20);
      CHECK(outcome.policy[0].starts_with("2 0 0 6363"));
      CHECK(outcome.policy[0].ends_with("63..."));
    }
  }
  CHECK(told == kOutcomes);
}

TEST_CASE("what policyd goes away with is told again") {
  mailroom::event::Loop loop;
  PolicyQuestions policyd{loop};
  TlsOutcomeBatch batch{loop, policyd};
  const auto attach = [&] {
    auto [ours, theirs] = ipc::make_channel();
    policyd.attach(std::move(theirs));
    return ipc::MessageChannel<PolicydAnswersQueued, QueuedAsksPolicyd>{std::move(ours)};
  };
  const auto turn = [&] {
    mailroom::event::Timer timer{loop, [&] { loop.stop(); }};
    timer.start(std::chrono::milliseconds{10});
    loop.run();
  };
  batch.not_connected("example.org", plan(TlsLevel::dane, TlsReason::dane),
                      {{failed("mx1.example", kFirst, RelayFailure::tls_unavailable, "")}});
  auto end = attach();
  batch.flush();
  CHECK_FALSE(batch.is_quiet());
  REQUIRE(end.receive());
  end.close();
  turn();
  CHECK(batch.is_quiet());
  end = attach();
  batch.flush();
  const auto again = end.receive();
  REQUIRE(again);
  const auto& outcomes = std::get<TlsOutcomes>(again->message);
  CHECK(outcomes.outcomes.at(0).domain == "example.org");
  end.send(TlsOutcomesCounted{outcomes.question});
  turn();
  CHECK(batch.is_quiet());
  batch.flush();
  CHECK_FALSE(end.receive(ipc::PacketSocket::Wait::no));
}
