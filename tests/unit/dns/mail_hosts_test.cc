#include "libcommon/dns/mail_hosts.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "daemons/channels/dnsd.h"
#include "libcommon/dns/limits.h"
#include "libcommon/ipc/channel.h"

namespace mailroom::dns {
namespace {

// A DNS of its own: what is not there is a secure NXDOMAIN.
class World {
 public:
  World& add(Type type, const std::string& name, Answer answer) {
    if (answer.canonical_name.empty()) answer.canonical_name = name;
    answers_[{type, name}] = std::move(answer);
    return *this;
  }
  World& mx(const std::string& name, std::vector<Mx> records, Security security = Security::secure) {
    Answer answer = made(security);
    answer.mx = std::move(records);
    return add(Type::mx, name, std::move(answer));
  }
  // The name is there, without MX.
  World& no_mx(const std::string& name) { return add(Type::mx, name, none()); }
  World& host(const std::string& name, const std::vector<std::string>& addresses,
              Security security = Security::secure, const std::string& canonical = {}) {
    Answer v4 = made(security), v6 = made(security);
    for (const std::string& text : addresses) {
      const bool is_v6 = text.find(':') != text.npos;
      (is_v6 ? v6 : v4).addresses.push_back(*parse_ip_and_port(is_v6 ? "[" + text + "]:0" : text + ":0"));
    }
    for (Answer* answer : {&v4, &v6}) {
      answer->canonical_name = canonical;
      if (answer->addresses.empty()) answer->outcome = Outcome::no_data;
    }
    add(Type::a, name, v4);
    return add(Type::aaaa, name, v6);
  }
  World& tlsa(const std::string& base, std::vector<Tlsa> records, Security security = Security::secure,
              std::uint16_t port = 25) {
    Answer answer = made(security);
    answer.tlsa = std::move(records);
    return add(Type::tlsa, tlsa_name(port, base), std::move(answer));
  }
  World& fails(Type type, const std::string& name, const std::string& problem = "bogus: a test") {
    Answer answer;
    answer.problem = problem;
    return add(type, name, std::move(answer));
  }

  static Answer made(Security security = Security::secure) {
    return {.outcome = Outcome::answer, .security = security, .ttl = 300};
  }
  static Answer none(Security security = Security::secure) {
    return {.outcome = Outcome::no_data, .security = security, .ttl = 300};
  }

  MailHosts find(MailDomain domain) {
    asked.clear();
    MailHostSearch search{std::move(domain)};
    while (!search.is_done()) {
      const auto questions = search.take_questions();
      REQUIRE_FALSE(questions.empty());  // else it would wait for ever
      for (const Question& question : questions) {
        CHECK(std::ranges::count(asked, question) == 0);
        asked.push_back(question);
        search.answered(question, answer_to(question));
      }
    }
    CHECK(search.take_questions().empty());
    return search.result();
  }
  MailHosts find(const std::string& domain) { return find(MailDomain{.name = domain}); }
  bool was_asked(Type type, const std::string& name) const {
    return std::ranges::count(asked, Question{type, name}) > 0;
  }

  std::vector<Question> asked;

 private:
  Answer answer_to(const Question& question) const {
    const auto found = answers_.find(question);
    if (found != answers_.end()) return found->second;
    return {.outcome = Outcome::no_domain,
            .security = Security::secure,
            .ttl = 600,
            .canonical_name = question.name};
  }
  std::map<Question, Answer> answers_;
};

const std::vector<Tlsa> kRecords{{3, 1, 1, "digest"}};

std::vector<std::string> names_of(const MailHosts& found) {
  std::vector<std::string> names;
  for (const MailHost& host : found.hosts) names.push_back(host.name);
  return names;
}
std::vector<std::string> addresses_of(const MailHost& host) {
  std::vector<std::string> texts;
  for (const IpAddress& address : host.addresses) texts.push_back(address.text());
  return texts;
}

// ---- RFC 5321 5.1, RFC 7505

TEST_CASE("MX records: their hosts by preference, IPv6 addresses first") {
  World world;
  world.mx("d", {{10, "mx1.d"}, {20, "mx2.d"}})
      .host("mx1.d", {"192.0.2.1", "2001:db8::1"})
      .host("mx2.d", {"192.0.2.2"});
  const MailHosts found = world.find("d");
  CHECK(found.outcome == Outcome::answer);
  CHECK(found.mx_security == Security::secure);
  CHECK_FALSE(found.implicit);
  CHECK_FALSE(found.null_mx);
  REQUIRE(names_of(found) == std::vector<std::string>{"mx1.d", "mx2.d"});
  CHECK(found.hosts[0].preference == 10);
  CHECK(found.hosts[0].canonical_name == "mx1.d");
  CHECK(found.hosts[0].outcome == Outcome::answer);
  CHECK(addresses_of(found.hosts[0]) == std::vector<std::string>{"2001:db8::1", "192.0.2.1"});
  CHECK(addresses_of(found.hosts[1]) == std::vector<std::string>{"192.0.2.2"});
  CHECK(found.ttl == 300);
}

TEST_CASE("no MX: the domain is its own host") {
  World world;
  world.no_mx("d").host("d", {"192.0.2.1"});
  const MailHosts found = world.find("d");
  CHECK(found.outcome == Outcome::answer);
  CHECK(found.implicit);
  REQUIRE(names_of(found) == std::vector<std::string>{"d"});
  CHECK(found.hosts[0].preference == 0);
}

TEST_CASE("neither MX nor address: no mail can go there") {
  World world;
  world.no_mx("d").add(Type::a, "d", World::none()).add(Type::aaaa, "d", World::none());
  const MailHosts found = world.find("d");
  CHECK(found.outcome == Outcome::no_data);
  CHECK(found.implicit);
}

TEST_CASE("no such domain: nothing else about hosts is asked") {
  World world;
  const MailHosts found = world.find("d");
  CHECK(found.outcome == Outcome::no_domain);
  CHECK(found.hosts.empty());
  CHECK(world.asked.size() == 2);  // MX, MTA-STS
  CHECK_FALSE(found.implicit);
}

TEST_CASE("a failed MX lookup is not \"no MX\"") {
  World world;
  world.fails(Type::mx, "d", "bogus: expired").host("d", {"192.0.2.1"});
  const MailHosts found = world.find("d");
  CHECK(found.outcome == Outcome::failed);
  CHECK(found.problem == "bogus: expired");
  CHECK(found.hosts.empty());
  CHECK_FALSE(world.was_asked(Type::a, "d"));
}

TEST_CASE("the implicit host's failed lookup is the domain's") {
  World world;
  world.no_mx("d").fails(Type::a, "d", "SERVFAIL").add(Type::aaaa, "d", World::none());
  const MailHosts found = world.find("d");
  CHECK(found.outcome == Outcome::failed);
  CHECK(found.problem == "SERVFAIL");
}

TEST_CASE("null MX") {
  World world;
  world.mx("d", {{0, ""}});
  const MailHosts found = world.find("d");
  CHECK(found.outcome == Outcome::answer);
  CHECK(found.null_mx);
  CHECK(found.hosts.empty());
  CHECK_FALSE(world.was_asked(Type::a, ""));
}

TEST_CASE("\".\" beside other MX records says nothing (RFC 7505 3)") {
  World world;
  world.mx("d", {{0, ""}, {10, "mx.d"}}).host("mx.d", {"192.0.2.1"});
  const MailHosts found = world.find("d");
  CHECK_FALSE(found.null_mx);
  CHECK(names_of(found) == std::vector<std::string>{"mx.d"});
}

TEST_CASE("hosts without address, without name, with a failed lookup: each on its own") {
  World world;
  world.mx("d", {{10, "empty.d"}, {20, "absent.d"}, {30, "failed.d"}, {40, "good.d"}})
      .add(Type::a, "empty.d", World::none())
      .add(Type::aaaa, "empty.d", World::none())
      .fails(Type::a, "failed.d", "timeout")
      .add(Type::aaaa, "failed.d", World::none())
      .host("good.d", {"192.0.2.1"});
  const MailHosts found = world.find("d");
  CHECK(found.outcome == Outcome::answer);
  REQUIRE(found.hosts.size() == 4);
  CHECK(found.hosts[0].outcome == Outcome::no_data);
  CHECK(found.hosts[1].outcome == Outcome::no_domain);
  CHECK(found.hosts[2].outcome == Outcome::failed);
  CHECK(found.hosts[2].problem == "timeout");
  CHECK(found.hosts[2].security == Security::insecure);
  CHECK(found.hosts[3].outcome == Outcome::answer);
}

TEST_CASE("one family of addresses is enough, when the other's lookup fails") {
  World world;
  world.mx("d", {{10, "mx.d"}}).host("mx.d", {"192.0.2.1"}).fails(Type::aaaa, "mx.d");
  const MailHosts found = world.find("d");
  CHECK(found.hosts[0].outcome == Outcome::answer);
  CHECK(found.hosts[0].security == Security::secure);
  CHECK(found.hosts[0].problem.empty());
  CHECK(addresses_of(found.hosts[0]) == std::vector<std::string>{"192.0.2.1"});
}

TEST_CASE("a host that is named twice is one host, at its best preference") {
  World world;
  world.mx("d", {{10, "mx.d"}, {20, "other.d"}, {30, "mx.d"}})
      .host("mx.d", {"192.0.2.1"})
      .host("other.d", {"192.0.2.2"});
  const MailHosts found = world.find("d");
  REQUIRE(names_of(found) == std::vector<std::string>{"mx.d", "other.d"});
  CHECK(found.hosts[0].preference == 10);
}

TEST_CASE("bounds: hosts after the best, and addresses after the first, are left out") {
  World world;
  std::vector<Mx> records;
  for (std::size_t i = 0; i < kMaxMx; ++i)
    records.push_back({static_cast<std::uint16_t>(i), "h" + std::to_string(i)});
  world.mx("d", records);
  std::vector<std::string> addresses;
  for (std::size_t i = 0; i < kMaxAddresses; ++i) addresses.push_back("192.0.2." + std::to_string(i));
  world.host("h0", addresses);
  const MailHosts found = world.find("d");
  CHECK(found.hosts.size() == kMaxMailHosts);
  CHECK(found.hosts.back().name == "h" + std::to_string(kMaxMailHosts - 1));
  CHECK(found.hosts[0].addresses.size() == kMaxHostAddresses);
  CHECK_FALSE(world.was_asked(Type::a, "h" + std::to_string(kMaxMailHosts)));
}

TEST_CASE("a fixed host: no MX, no MTA-STS, TLSA at its port") {
  World world;
  world.mx("h", {{10, "elsewhere"}}).host("h", {"192.0.2.1"}).tlsa("h", kRecords, Security::secure, 587);
  const MailHosts found = world.find(MailDomain{.name = "h", .fixed = true, .port = 587});
  CHECK(found.outcome == Outcome::answer);
  CHECK_FALSE(found.implicit);
  REQUIRE(names_of(found) == std::vector<std::string>{"h"});
  CHECK(found.hosts[0].tlsa == kRecords);
  CHECK_FALSE(world.was_asked(Type::mx, "h"));
  CHECK_FALSE(world.was_asked(Type::txt, "_mta-sts.h"));
  CHECK(world.find(MailDomain{.name = "absent", .fixed = true}).outcome == Outcome::no_domain);
}

// ---- MTA-STS, RFC 8461 3.1

TEST_CASE("the label of MTA-STS") {
  World world;
  Answer label = World::made(Security::insecure);
  label.texts = {"v=STSv1; id=1;", "other"};
  world.mx("d", {{10, "mx.d"}}).host("mx.d", {"192.0.2.1"}).add(Type::txt, "_mta-sts.d", label);
  const MailHosts found = world.find("d");
  CHECK(found.sts_outcome == Outcome::answer);
  CHECK(found.sts_texts == std::vector<std::string>{"v=STSv1; id=1;"});
  world.fails(Type::txt, "_mta-sts.d");
  CHECK(world.find("d").sts_outcome == Outcome::failed);
  CHECK(world.find("d").outcome == Outcome::answer);
}

// ---- how much of it there may be

TEST_CASE("whatever a stranger's zone has, what is found fits a packet, and no TLSA records are hidden") {
  constexpr std::size_t kHosts = kMaxMailHosts + 5, kLongName = kMaxName - 20;
  const std::size_t data = GENERATE(1U, 35U, 600U);
  const auto long_name = [](char first) {
    std::string name(1, first);
    while (name.size() + kMaxLabel + 1 < kLongName) name += '.' + std::string(kMaxLabel, 'x');
    return name;
  };
  World world;
  std::vector<Mx> records;
  std::vector<std::string> addresses;
  for (int i = 1; i <= 50; ++i) {
    addresses.push_back("192.0.2." + std::to_string(i));
    addresses.push_back("2001:db8::" + std::to_string(i));
  }
  for (std::size_t i = 0; i < kHosts; ++i) {
    const std::string name = long_name('a') + ".h" + std::to_string(i);
    records.push_back({static_cast<std::uint16_t>(i), name});
    const std::string canonical = long_name('b') + ".h" + std::to_string(i);
    world.host(name, addresses, Security::secure, canonical);
    world.tlsa(canonical, std::vector<Tlsa>(kMaxTlsa, {3, 1, 0, std::string(data, 't')}));
  }
  Answer texts = World::made(Security::insecure);
  texts.texts.assign(kMaxTexts, "v=STSv1; id=1; x=" + std::string(kMaxText - 20, 'y'));
  world.mx("d", records).add(Type::txt, "_mta-sts.d", texts);
  const MailHosts found = world.find("d");
  REQUIRE(found.hosts.size() == kMaxMailHosts);
  for (const MailHost& host : found.hosts)
    CHECK((host.tlsa_outcome == Outcome::failed || host.tlsa.size() == kMaxTlsa));
  CHECK(ipc::encode(DnsdToAsker{MailHostsFound{1, found}}).size() <= ipc::kMaxPacket);
}

TEST_CASE("a host whose TLSA records have no room is not to be used; the better ones are") {
  World world;
  const std::vector<Tlsa> many(20, {3, 0, 0, std::string(800, 't')});
  world.mx("d", {{10, "a.d"}, {20, "b.d"}, {30, "c.d"}});
  for (const char* name : {"a.d", "b.d", "c.d"}) world.host(name, {"192.0.2.1"});
  world.tlsa("a.d", many).tlsa("b.d", many).tlsa("c.d", kRecords);
  const MailHosts found = world.find("d");
  CHECK(found.hosts[0].tlsa == many);
  CHECK(found.hosts[1].tlsa_outcome == Outcome::failed);
  CHECK(found.hosts[1].tlsa.empty());
  CHECK(found.hosts[2].tlsa == kRecords);
}

// ---- TLSA, RFC 7672 2.2

TEST_CASE("secure addresses: TLSA at the host's name") {
  World world;
  world.mx("d", {{10, "mx.d"}}).host("mx.d", {"192.0.2.1"}).tlsa("mx.d", kRecords);
  const MailHost host = world.find("d").hosts[0];
  CHECK(host.tlsa_outcome == Outcome::answer);
  CHECK(host.tlsa_security == Security::secure);
  CHECK(host.tlsa_base == "mx.d");
  CHECK(host.tlsa == kRecords);
}

TEST_CASE("insecure addresses: TLSA are not even asked for (2.2.2)") {
  World world;
  world.mx("d", {{10, "mx.d"}}).host("mx.d", {"192.0.2.1"}, Security::insecure).tlsa("mx.d", kRecords);
  const MailHost host = world.find("d").hosts[0];
  CHECK(host.security == Security::insecure);
  CHECK(host.tlsa.empty());
  CHECK_FALSE(world.was_asked(Type::tlsa, "_25._tcp.mx.d"));
}

TEST_CASE("one insecure family makes the host insecure") {
  World world;
  world.mx("d", {{10, "mx.d"}})
      .host("mx.d", {"192.0.2.1"})
      .add(Type::aaaa, "mx.d", World::none(Security::insecure));
  CHECK(world.find("d").hosts[0].security == Security::insecure);
}

TEST_CASE("insecure MX, secure host: TLSA are found, and the MX said to be insecure (2.2.1)") {
  World world;
  world.mx("d", {{10, "mx.d"}}, Security::insecure).host("mx.d", {"192.0.2.1"}).tlsa("mx.d", kRecords);
  const MailHosts found = world.find("d");
  CHECK(found.mx_security == Security::insecure);
  CHECK(found.hosts[0].tlsa == kRecords);
}

TEST_CASE("no TLSA, or insecure ones: there are none") {
  World world;
  world.mx("d", {{10, "mx.d"}}).host("mx.d", {"192.0.2.1"});
  CHECK(world.find("d").hosts[0].tlsa_outcome == Outcome::no_data);
  world.tlsa("mx.d", kRecords, Security::insecure);
  const MailHost host = world.find("d").hosts[0];
  CHECK(host.tlsa_outcome == Outcome::no_data);
  CHECK(host.tlsa.empty());
}

TEST_CASE("a failed TLSA lookup: the host must not be used (2.1.2)") {
  World world;
  world.mx("d", {{10, "mx.d"}, {20, "other.d"}})
      .host("mx.d", {"192.0.2.1"})
      .host("other.d", {"192.0.2.2"})
      .fails(Type::tlsa, "_25._tcp.mx.d", "bogus: no signature");
  const MailHosts found = world.find("d");
  CHECK(found.outcome == Outcome::answer);
  CHECK(found.hosts[0].outcome == Outcome::answer);
  CHECK(found.hosts[0].tlsa_outcome == Outcome::failed);
  CHECK(found.hosts[0].problem == "bogus: no signature");
  CHECK(found.hosts[1].tlsa_outcome == Outcome::no_data);
}

TEST_CASE("a secure alias: at the name behind it first") {
  World world;
  world.mx("d", {{10, "mx.d"}})
      .host("mx.d", {"192.0.2.1"}, Security::secure, "host.p")
      .tlsa("host.p", kRecords);
  world.tlsa("mx.d", {{2, 0, 1, "other"}});
  const MailHost host = world.find("d").hosts[0];
  CHECK(host.canonical_name == "host.p");
  CHECK(host.tlsa_base == "host.p");
  CHECK(host.tlsa == kRecords);
  CHECK_FALSE(world.was_asked(Type::tlsa, "_25._tcp.mx.d"));
}

TEST_CASE("a secure alias without TLSA behind it: at the alias") {
  World world;
  world.mx("d", {{10, "mx.d"}})
      .host("mx.d", {"192.0.2.1"}, Security::secure, "host.p")
      .tlsa("mx.d", kRecords);
  CHECK(world.find("d").hosts[0].tlsa_base == "mx.d");
  world.tlsa("host.p", {{3, 1, 1, "insecure"}}, Security::insecure);
  CHECK(world.find("d").hosts[0].tlsa_base == "mx.d");
}

TEST_CASE("a secure alias with a failed lookup behind it: the alias does not help") {
  World world;
  world.mx("d", {{10, "mx.d"}})
      .host("mx.d", {"192.0.2.1"}, Security::secure, "host.p")
      .tlsa("mx.d", kRecords);
  world.fails(Type::tlsa, "_25._tcp.host.p");
  const MailHost host = world.find("d").hosts[0];
  CHECK(host.tlsa_outcome == Outcome::failed);
  CHECK(host.tlsa.empty());
}

TEST_CASE("an alias that leads out of the secure zone: only at the alias, if it is secure itself") {
  World world;
  world.mx("d", {{10, "mx.d"}}).host("mx.d", {"192.0.2.1"}, Security::insecure, "host.p");
  world.tlsa("mx.d", kRecords).tlsa("host.p", {{3, 1, 1, "other"}});
  SECTION("secure") {
    Answer alias = World::made();
    alias.names = {"host.p"};
    const MailHost host = world.add(Type::cname, "mx.d", alias).find("d").hosts[0];
    CHECK(host.security == Security::insecure);
    CHECK(host.tlsa_base == "mx.d");
    CHECK(host.tlsa == kRecords);
    CHECK_FALSE(world.was_asked(Type::tlsa, "_25._tcp.host.p"));
  }
  SECTION("insecure") {
    Answer alias = World::made(Security::insecure);
    alias.names = {"host.p"};
    const MailHost host = world.add(Type::cname, "mx.d", alias).find("d").hosts[0];
    CHECK(host.tlsa_outcome == Outcome::no_data);
    CHECK_FALSE(world.was_asked(Type::tlsa, "_25._tcp.mx.d"));
  }
  SECTION("not to be found out") {
    const MailHost host = world.fails(Type::cname, "mx.d", "timeout").find("d").hosts[0];
    CHECK(host.tlsa_outcome == Outcome::failed);
    CHECK(host.problem == "timeout");
  }
}

TEST_CASE("no addresses, no TLSA question") {
  World world;
  world.mx("d", {{10, "mx.d"}})
      .add(Type::a, "mx.d", World::none())
      .add(Type::aaaa, "mx.d", World::none())
      .tlsa("mx.d", kRecords);
  CHECK(world.find("d").hosts[0].tlsa.empty());
  CHECK_FALSE(world.was_asked(Type::tlsa, "_25._tcp.mx.d"));
}

// ---- the search itself

TEST_CASE("the time to live is that of the shortest answer") {
  World world;
  Answer short_lived = World::none();
  short_lived.ttl = 7;
  world.mx("d", {{10, "mx.d"}}).host("mx.d", {"192.0.2.1"}).add(Type::tlsa, "_25._tcp.mx.d", short_lived);
  CHECK(world.find("d").ttl == 7);
  world.fails(Type::txt, "_mta-sts.d");
  CHECK(world.find("d").ttl == 0);
}

TEST_CASE("answers in any order, to nothing, and twice") {
  MailHostSearch search{{.name = "d"}};
  std::vector<Question> open = search.take_questions();
  CHECK(open.size() == 2);
  CHECK(search.take_questions().empty());
  search.answered({Type::a, "unasked"}, World::made());
  Answer mx = World::made();
  mx.mx = {{10, "mx.d"}};
  search.answered({Type::mx, "d"}, mx);
  search.answered({Type::mx, "d"}, World::none());  // too late
  CHECK_FALSE(search.is_done());
  CHECK(search.take_questions() == std::vector<Question>{{Type::aaaa, "mx.d"}, {Type::a, "mx.d"}});
  search.answered({Type::a, "mx.d"}, World::none());
  search.answered({Type::txt, "_mta-sts.d"}, World::none());
  CHECK_FALSE(search.is_done());
  search.answered({Type::aaaa, "mx.d"}, World::none());
  CHECK(search.is_done());
  CHECK(search.result().hosts.at(0).name == "mx.d");
}

}  // namespace
}  // namespace mailroom::dns
