// Networks, POP-before-SMTP, limits: what is not an account's login.
#include <algorithm>

#include "tests/unit/policyd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* kCampus = "10.1.2.3";
constexpr const char* kNat = "10.9.0.1";
constexpr const char* kHome = "198.51.100.7";
constexpr const char* kElsewhere = "v@evil.org";

// A site with networks and POP-before-SMTP, whose clock the test sets.
struct Site : Policyd {
  explicit Site(std::uint64_t start = 1'000'000) : Site{std::make_shared<std::uint64_t>(start)} {}
  explicit Site(std::shared_ptr<std::uint64_t> system_time)
      : Policyd{{.system_clock = [system_time] { return *system_time; }}}, seconds{std::move(system_time)} {
    launch.config.networks = {{NetworkKind::campus, *parse_ip_network("10.1.0.0/16")},
                              {NetworkKind::nat, *parse_ip_network("10.9.0.0/16")}};
    launch.config.policyd.pop_before_smtp = 30min;
    server->reconfigured();
    add("alice");
    add("bob");
  }
  std::string at_outgoing(const char* peer, const std::string& from, const std::string& to = kElsewhere) {
    return rule_for(outgoing, Service::outgoing, peer, from, to);
  }

  std::shared_ptr<std::uint64_t> seconds;
};

}  // namespace

TEST_CASE("a campus network sends without a login, and nobody else does") {
  Site p;
  CHECK(p.at_outgoing(kCampus, "any@example.net") == "campus-to-anybody");
  CHECK(p.last_envelope->recipient.domain == "evil.org");
  CHECK(p.last_envelope->submitter.empty());
  CHECK(p.at_outgoing(kCampus, "nobody@example.org") == "sender-nobody");
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "read-mail-first");
  CHECK(p.at_outgoing(kNat, "alice@example.org") == "grant-behind-nat");
  CHECK(p.at_outgoing("127.0.0.1", "alice@example.org") == "read-mail-first");
  CHECK(p.at_outgoing("::ffff:10.1.2.3", "any@example.net") == "campus-to-anybody");
  CHECK(p.at_outgoing("2001:db8::1", "any@example.net") == "read-mail-first");
  CHECK(p.rule_for(p.mx, Service::mx, kCampus, "any@example.net", kElsewhere) == "no-relay");
  CHECK(p.at_outgoing(kHome, "any@example.net", "alice@example.org") == "local-recipient");
}

// Whose reports SPF has a say in: queued asks nobody about mail of any other client.
TEST_CASE("a stranger is who has proved nothing and is in no network of ours") {
  Site p;
  const auto is_stranger = [&](Listener& listener, Service service, const char* peer) {
    CHECK(p.rule_for(listener, service, peer, "alice@example.org", "bob@example.org") == "local-recipient");
    return p.last_envelope->is_stranger;
  };
  CHECK(is_stranger(p.mx, Service::mx, kHome));
  CHECK(p.last_envelope->helo == "client");
  CHECK(is_stranger(p.outgoing, Service::outgoing, kHome));
  CHECK(is_stranger(p.mx, Service::mx, kNat));
  for (const char* campus : {kCampus, "::ffff:10.1.2.3"}) {
    CHECK_FALSE(is_stranger(p.mx, Service::mx, campus));
    CHECK(p.last_envelope->helo.empty());
    CHECK_FALSE(is_stranger(p.outgoing, Service::outgoing, campus));
  }
  p.read_mail(1, "alice", kHome);
  CHECK_FALSE(is_stranger(p.outgoing, Service::outgoing, kHome));

  auto child = p.open_smtp(p.submission, 2, Service::submission, kHome);
  p.pump();
  p.prove_submission(2, "alice");
  CHECK(p.check(child, question(1, "alice@example.org", "bob@example.org")).rule == "account-to-local");
  CHECK_FALSE(p.last_envelope->is_stranger);
}

TEST_CASE("a connection that says what no client can have said at HELO is ended") {
  Site p;
  auto child = p.open_smtp(p.mx, 3, Service::mx, kHome);
  CheckRecipient asked = question(1, "any@example.net", "alice@example.org");
  asked.helo = std::string(256, 'h');
  child.send(asked);
  p.pump();
  CHECK(p.logged("peer-misbehaved"));
  CHECK_FALSE(p.queued.next());
}

TEST_CASE("after reading mail an account sends from that address, as itself, for a while") {
  Site p;
  p.read_mail(1, "alice", kHome);
  CHECK(p.at_outgoing(kHome, "alice+x@example.org") == "grant-to-anybody");
  CHECK(p.last_envelope->submitter == "alice");
  CHECK(p.last_envelope->authors == std::vector<std::string>{"alice@"});
  CHECK(p.at_outgoing(kHome, "bob@example.org") == "grant-sender-not-own");
  CHECK(p.at_outgoing("198.51.100.8", "alice@example.org") == "read-mail-first");
  *p.seconds += 29 * 60;
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "grant-to-anybody");
  *p.seconds += 60;
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "read-mail-first");
}

TEST_CASE("a clock that is set back lengthens no grant, a restart neither") {
  Site p;
  p.read_mail(1, "alice", kHome);
  *p.seconds += 20 * 60;
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "grant-to-anybody");
  p.server->drain();  // notes the time
  *p.seconds -= 3 * 3600;
  p.start();
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "grant-to-anybody");
  *p.seconds += 3 * 3600 + 10 * 60;
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "read-mail-first");
}

TEST_CASE("a grant outlives the process, and a login that failed earns none") {
  Site p;
  p.read_mail(1, "alice", kHome);
  p.start();  // nothing was said to the old one
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "grant-to-anybody");
  p.pop.send(ConnectionOpened{2, Service::pop3, Policyd::address("198.51.100.9")});
  p.pump();
  p.authd.send(NameProved{2, "alice"});
  p.pump();  // the listener never takes the verdict
  CHECK(p.at_outgoing("198.51.100.9", "alice@example.org") == "read-mail-first");
}

TEST_CASE("an account that may not send, or is switched off, sends by no grant") {
  Site p;
  p.add("reader", state::kPop);
  p.read_mail(1, "reader", kHome);
  CHECK(p.at_outgoing(kHome, "reader@example.org") == "read-mail-first");
  p.read_mail(2, "alice", kHome);
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "grant-to-anybody");
  p.ask(ChangeAccount{.name = "alice", .disabled = true});
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "read-mail-first");
  p.ask(ChangeAccount{.name = "alice", .disabled = false});
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "read-mail-first");  // it has to read mail again
}

TEST_CASE("behind NAT reading mail counts only where the site says so") {
  Site p;
  p.read_mail(1, "alice", kNat);
  CHECK(p.at_outgoing(kNat, "alice@example.org") == "grant-behind-nat");
  p.launch.config.policyd.pop_before_smtp_nat = true;
  p.server->reconfigured();
  CHECK(p.at_outgoing(kNat, "alice@example.org") == "read-mail-first");
  p.read_mail(2, "alice", kNat);
  CHECK(p.at_outgoing(kNat, "alice@example.org") == "grant-to-anybody");
}

TEST_CASE("an IPv6 network is one address") {
  Site p;
  p.read_mail(1, "alice", "2001:db8:1:2::3");
  CHECK(p.at_outgoing("2001:db8:1:2::4", "alice@example.org") == "grant-to-anybody");
  CHECK(p.at_outgoing("2001:db8:1:3::3", "alice@example.org") == "read-mail-first");
}

TEST_CASE("a hard limit refuses for a while, an account's wherever it sends from") {
  Site p;
  p.launch.config.limits = {
      {policy::LimitScope::account, policy::LimitUnit::messages, policy::LimitPeriod::hour, 1, 2},
      {policy::LimitScope::address, policy::LimitUnit::recipients, policy::LimitPeriod::day, 0, 1}};
  p.server->reconfigured();
  p.read_mail(1, "alice", kHome);
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "grant-to-anybody");
  auto child = p.open_smtp(p.submission, 2, Service::submission, "203.0.113.1");
  p.prove_submission(2, "alice");
  CHECK(p.check(child, question(1, "alice@example.org", kElsewhere)).rule == "account-to-anybody");
  CHECK(p.logged("limit-passed"));
  CHECK(p.check(child, question(1, "alice@example.org", "w@evil.org")).rule == "account-to-anybody");
  const auto refused = p.check(child, question(2, "alice@example.org", kElsewhere));
  CHECK(refused.rule == "message-limit");
  CHECK(refused.reply.code == 450);
  CHECK(refused.reply.text.find(" UTC") != std::string::npos);
  CHECK(p.at_outgoing(kCampus, "x@example.net") == "campus-to-anybody");
  CHECK(p.at_outgoing(kCampus, "x@example.net") == "recipient-limit");
  CHECK(p.at_outgoing("10.1.2.4", "x@example.net") == "campus-to-anybody");
}

TEST_CASE("relay domains take mail from anybody, and go where their route says") {
  Site p;
  p.launch.config.relay_domains = {"dept.example.org"};
  p.launch.config.policyd.guard_own_domains = true;
  p.server->reconfigured();
  CHECK(p.rule_for(p.mx, Service::mx, kHome, "x@example.net", "any@Dept.example.org") == "relay-domain");
  CHECK(p.last_envelope->recipient.domain == "dept.example.org");
  CHECK(p.last_envelope->recipient.accounts.empty());
  CHECK(p.rule_for(p.mx, Service::mx, kHome, "x@example.net", "v%evil.org@dept.example.org") ==
        "routing-refused");
  CHECK(p.rule_for(p.mx, Service::mx, kHome, "a@dept.example.org", "alice@example.org") ==
        "own-domain-from-outside");
  CHECK(p.rule_for(p.mx, Service::mx, kHome, "a@example.org", "alice@example.org") ==
        "own-domain-from-outside");
}

TEST_CASE("at the relay anybody sends to our domains, but not as a person") {
  Site p;
  const auto at_relay = [&](const std::string& from, const std::string& to) {
    return p.rule_for(p.relay, Service::relay, kHome, from, to);
  };
  CHECK(at_relay("scanner@devices.net", "alice@example.org") == "local-recipient");
  CHECK(at_relay("scanner@devices.net", kElsewhere) == "reverse-name-unknown");
  CHECK(at_relay("", "alice@example.org") == "device-null-sender");
  CHECK(at_relay("bob@example.org", "alice@example.org") == "personal-sender");
  CHECK(at_relay("nobody@example.org", "alice@example.org") == "sender-nobody");
  p.ask(SetAlias{"office@example.org", {"alice", "bob"}});
  CHECK(at_relay("office@example.org", "alice@example.org") == "local-recipient");
}

TEST_CASE("a revoked grant ends at once, also for what is under way, and for nobody else") {
  Site p;
  p.read_mail(1, "alice", kHome);
  auto mine = p.open_smtp(p.outgoing, 11, Service::outgoing, kHome);
  auto campus = p.open_smtp(p.outgoing, 12, Service::outgoing, kCampus);
  CHECK(p.check(mine, question(1, "alice@example.org", kElsewhere)).rule == "grant-to-anybody");
  CHECK(p.check(campus, question(1, "x@example.net", kElsewhere)).rule == "campus-to-anybody");
  CHECK(p.ask<GrantPage>(ListGrants{}).grants.size() == 1);
  CHECK(p.ask<GrantsRevoked>(RevokeGrants{"alice", std::nullopt}).grants == 1);
  p.pump();
  const auto withdrawn = p.queued.next_as<WithdrawEnvelope>();
  REQUIRE(withdrawn);
  CHECK(withdrawn->connection == 11);
  CHECK_FALSE(p.queued.next());
  CHECK(p.check(mine, question(1, "alice@example.org", "w@evil.org")).reply.code == 550);
  CHECK(p.ask<GrantPage>(ListGrants{}).grants.empty());
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "read-mail-first");
  p.start();
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "read-mail-first");
}

TEST_CASE("an account that opts out loses its grants and gets none") {
  Site p;
  p.read_mail(1, "alice", kHome);
  p.ask(ChangeAccount{.name = "alice", .grants = false});
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "read-mail-first");
  p.read_mail(2, "alice", kHome);
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "read-mail-first");
  p.ask(ChangeAccount{.name = "alice", .grants = true});
  p.read_mail(3, "alice", kHome);
  CHECK(p.at_outgoing(kHome, "alice@example.org") == "grant-to-anybody");
}

TEST_CASE("an account sends as what it was given, and queued is told so") {
  Site p;
  auto child = p.open_smtp(p.submission, 2, Service::submission);
  p.prove_submission(2, "alice");
  CHECK(p.check(child, question(1, "bob@example.org", kElsewhere)).rule == "sender-not-own");
  p.ask(
      ChangeAccount{.name = "alice", .send_as = std::vector<std::string>{"Bob@example.org", "@Lists.test"}});
  CHECK(p.check(child, question(2, "bob@example.org", kElsewhere)).rule == "account-to-anybody");
  CHECK(p.last_envelope->authors == std::vector<std::string>{"alice@", "bob@example.org", "@lists.test"});
  CHECK(p.check(child, question(3, "any@lists.test", kElsewhere)).rule == "account-to-anybody");
  CHECK(p.ask<AccountShown>(ShowAccount{"alice"}).send_as.size() == 2);
  CHECK(p.ask<ToolRefused>(ChangeAccount{.name = "alice", .send_as = std::vector<std::string>{"no pattern"}})
            .reason != "");
  CHECK(p.ask<AccountShown>(ShowAccount{"alice"}).send_as.size() == 2);
}

TEST_CASE("limits are listed and released") {
  Site p;
  p.launch.config.limits = {
      {policy::LimitScope::address, policy::LimitUnit::messages, policy::LimitPeriod::day, 0, 1}};
  p.server->reconfigured();
  CHECK(p.at_outgoing(kCampus, "x@example.net") == "campus-to-anybody");
  CHECK(p.at_outgoing(kCampus, "x@example.net") == "message-limit");
  const auto page = p.ask<LimitPage>(ListLimits{});
  REQUIRE(page.uses.size() == 3);
  CHECK(page.uses[2].place.name == kCampus);
  CHECK(page.uses[2].message_limit == 1);
  p.ask(ReleaseLimit{{policy::LimitScope::address, kCampus}});
  CHECK(p.at_outgoing(kCampus, "x@example.net") == "campus-to-anybody");
}

TEST_CASE("what is explained is what is decided") {
  Site p;
  const auto explained =
      p.ask<MailExplained>(ExplainMail{policy::Stage::recipient, Service::outgoing, Policyd::address(kCampus),
                                       "", "x@example.net", kElsewhere});
  CHECK(explained.accepted);
  CHECK(explained.rule == "campus-to-anybody");
  const auto campus = std::ranges::find(explained.facts, "campus", &ExplainedFact::name);
  REQUIRE(campus != explained.facts.end());
  CHECK(campus->source == "network campus 10.1.0.0/16");
  CHECK(p.ask<LimitPage>(ListLimits{}).uses.empty());  // and counted for nobody
  CHECK(p.ask<ToolRefused>(ExplainMail{policy::Stage::recipient, Service::pop3, {}, "", "", ""}).reason ==
        "not an SMTP listener");
}
