// check_host() by the sections of RFC 7208.
#include "tests/unit/spf/zone.h"

using namespace mailroom;
using namespace mailroom::spf::test;

namespace {

constexpr const char* kFrom = "anna@example.com";

// Its appendix A, with this record.
Zone appendix(const std::string& record) {
  Zone zone;
  zone.txt("example.com", record)
      .a("example.com", {"192.0.2.10", "192.0.2.11"})
      .a("amy.example.com", {"192.0.2.65"})
      .a("bob.example.com", {"192.0.2.66"})
      .a("mail-a.example.com", {"192.0.2.129"})
      .a("mail-b.example.com", {"192.0.2.130"})
      .mx("example.com", {"mail-a.example.com", "mail-b.example.com"})
      .a("mail-c.example.org", {"192.0.2.140"})
      .mx("example.org", {"mail-c.example.org"})
      .ptr("192.0.2.65", {"amy.example.com"})
      .ptr("192.0.2.140", {"mail-c.example.org"})
      .ptr("10.0.0.4", {"bob.example.com"});
  return zone;
}

std::string appendix_result(const std::string& record, const std::string& client) {
  return result(appendix(record), client, kFrom);
}

// A domain with this record and nothing else.
std::string result_of(const std::string& record, const std::string& client = "192.0.2.1",
                      const std::string& from = kFrom) {
  return result(Zone{}.txt("example.com", record), client, from);
}

}  // namespace

TEST_CASE("appendix A.1: who passes, and nobody else") {
  const std::vector<std::string> kClients = {"192.0.2.10",  "192.0.2.11",  "192.0.2.65",  "192.0.2.66",
                                             "192.0.2.128", "192.0.2.129", "192.0.2.130", "192.0.2.131",
                                             "192.0.2.140", "192.0.2.143", "192.0.2.144", "10.0.0.4"};
  const std::pair<const char*, std::vector<std::string>> kExamples[] = {
      {"v=spf1 +all", kClients},
      {"v=spf1 a -all", {"192.0.2.10", "192.0.2.11"}},
      {"v=spf1 a:example.org -all", {}},
      {"v=spf1 mx -all", {"192.0.2.129", "192.0.2.130"}},
      {"v=spf1 mx:example.org -all", {"192.0.2.140"}},
      {"v=spf1 mx mx:example.org -all", {"192.0.2.129", "192.0.2.130", "192.0.2.140"}},
      {"v=spf1 mx/30 mx:example.org/30 -all",
       {"192.0.2.128", "192.0.2.129", "192.0.2.130", "192.0.2.131", "192.0.2.140", "192.0.2.143"}},
      {"v=spf1 ptr -all", {"192.0.2.65"}},  // 10.0.0.4 says that it is bob, who does not
      {"v=spf1 ip4:192.0.2.128/28 -all",
       {"192.0.2.128", "192.0.2.129", "192.0.2.130", "192.0.2.131", "192.0.2.140", "192.0.2.143"}},
  };
  for (const auto& [record, passing] : kExamples)
    for (const std::string& client : kClients) {
      CAPTURE(record, client);
      const bool passes = std::ranges::find(passing, client) != passing.end();
      CHECK(appendix_result(record, client) == (passes ? "pass" : "fail"));
    }
}

TEST_CASE("appendix A.2 and A.4: domains that lead to others, and users of a domain") {
  Zone zone = appendix("v=spf1 include:example.net -all");
  zone.txt("example.net", "v=spf1 ip4:198.51.100.1 ~all")
      .txt("la.example.org", "v=spf1 redirect=example.com")
      .txt("users.example.org", "v=spf1 mx:example.com include:mobile-users._spf.%{d} -all")
      .txt("mobile-users._spf.users.example.org", "v=spf1 exists:%{l1r+}.%{d}")
      .a("mary.mobile-users._spf.users.example.org", {"127.0.0.2"});
  CHECK(result(zone, "198.51.100.1", kFrom) == "pass");
  CHECK(result(zone, "198.51.100.2", kFrom) == "fail");
  CHECK(result(zone, "198.51.100.1", "x@la.example.org") == "pass");
  CHECK(result(zone, "198.51.100.2", "x@la.example.org") == "fail");
  CHECK(result(zone, "198.51.100.2", "mary+shop@users.example.org") == "pass");
  CHECK(result(zone, "198.51.100.2", "fred@users.example.org") == "fail");
}

TEST_CASE("2.6: the result is the qualifier's; nothing that matches is neutral") {
  CHECK(result_of("v=spf1 +all") == "pass");
  CHECK(result_of("v=spf1 all") == "pass");
  CHECK(result_of("v=spf1 -all") == "fail");
  CHECK(result_of("v=spf1 ~all") == "softfail");
  CHECK(result_of("v=spf1 ?all") == "neutral");
  CHECK(result_of("v=spf1") == "neutral");
  CHECK(result_of("v=spf1 ip4:192.0.2.2") == "neutral");
  CHECK(result_of("v=spf1 -ALL +all redirect=example.net") == "fail");
}

TEST_CASE("4.3: a domain that cannot be, or is not there, has no record") {
  Zone zone;
  CHECK(result(zone, "192.0.2.1", "a@nowhere.example") == "none");
  for (const char* domain :
       {"", "localhost", "a..example.com", "[192.0.2.1]", ".example.com", "a b.example.com"}) {
    CAPTURE(domain);
    const Checked checked = run(zone, "192.0.2.1", std::string{"a@"} + domain);
    CHECK(checked.result == "none");
    CHECK(checked.asked.empty());
  }
  CHECK(result(zone, "192.0.2.1", "a@" + std::string(64, 'a') + ".example.com") == "none");
  CHECK(result(Zone{}.txt("example.com", "v=spf1 -all"), "192.0.2.1", "Anna@EXAMPLE.com") == "fail");
}

TEST_CASE("4.4 and 4.5: one record is selected, or none") {
  Zone zone;
  zone.txt("two.example", "v=spf1 +all").txt("two.example", "v=spf1 -all");
  zone.txt("many.example", "other").txt("many.example", "v=spf10").txt("many.example", "v=spf1 -all");
  zone.txt("other.example", "google-site-verification=x").broken(dns::Type::txt, "broken.example");
  CHECK(result(zone, "192.0.2.1", "a@two.example") == "permerror");
  CHECK(result(zone, "192.0.2.1", "a@many.example") == "fail");
  CHECK(result(zone, "192.0.2.1", "a@other.example") == "none");
  CHECK(result(zone, "192.0.2.1", "a@broken.example") == "temperror");
}

TEST_CASE("4.6: a syntax error anywhere is found before anything is looked up") {
  const Checked checked =
      run(Zone{}.txt("example.com", "v=spf1 ip4:192.0.2.1 a -all moo"), "192.0.2.1", kFrom);
  CHECK(checked.result == "permerror");
  CHECK(checked.asked.size() == 1);
  CHECK(checked.by.empty());
}

TEST_CASE("5: an error of the DNS is temporary, not a failure") {
  using dns::Type;
  Zone zone;
  zone.txt("a.example", "v=spf1 a -all").broken(Type::a, "a.example");
  zone.txt("mx.example", "v=spf1 mx -all").broken(Type::mx, "mx.example");
  zone.txt("host.example", "v=spf1 mx -all").mx("host.example", {"h.example"}).broken(Type::a, "h.example");
  zone.txt("exists.example", "v=spf1 exists:x.example -all").broken(Type::a, "x.example");
  zone.txt("include.example", "v=spf1 include:x.example -all").broken(Type::txt, "x.example");
  zone.txt("redirect.example", "v=spf1 redirect=x.example");
  for (const char* domain : {"a", "mx", "host", "exists", "include", "redirect"}) {
    CAPTURE(domain);
    const Checked checked = run(zone, "192.0.2.1", std::string{"u@"} + domain + ".example");
    CHECK(checked.result == "temperror");
    CHECK(checked.by.empty());
  }
  CHECK(result(zone, "2001:db8::1", "u@a.example") == "fail");  // asks for AAAA, which is not there
}

TEST_CASE("5.2: what include makes of a result") {
  const std::pair<const char*, const char*> kTable[] = {
      {"v=spf1 +all", "softfail"}, {"v=spf1 -all", "neutral"}, {"v=spf1 ~all", "neutral"},
      {"v=spf1 ?all", "neutral"},  {"v=spf1", "neutral"},      {"v=spf1 moo", "permerror"},
      {"no record", "permerror"},
  };
  for (const auto& [included, expected] : kTable) {
    CAPTURE(included);
    Zone zone;
    zone.txt("example.com", "v=spf1 ~include:inner.example ?all").txt("inner.example", included);
    CHECK(result(zone, "192.0.2.1", kFrom) == expected);
  }
  CHECK(result_of("v=spf1 include:nowhere.example -all") == "permerror");
  CHECK(result_of("v=spf1 include:%{h} -all", "192.0.2.1") == "permerror");
}

TEST_CASE("5.2: includes within includes come back to where they were") {
  Zone zone;
  zone.txt("example.com", "v=spf1 include:one.example include:two.example -all")
      .txt("one.example", "v=spf1 -ip4:192.0.2.1 include:three.example ~all")
      .txt("two.example", "v=spf1 include:three.example include:four.example")
      .txt("three.example", "v=spf1 ip4:192.0.2.3")
      .txt("four.example", "v=spf1 redirect=five.example")
      .txt("five.example", "v=spf1 ip4:192.0.2.1 ip4:192.0.2.5");
  CHECK(run(zone, "192.0.2.1", kFrom).by == "include:two.example of example.com");
  CHECK(result(zone, "192.0.2.1", kFrom) == "pass");
  CHECK(run(zone, "192.0.2.3", kFrom).by == "include:one.example of example.com");
  CHECK(result(zone, "192.0.2.5", kFrom) == "pass");
  CHECK(run(zone, "192.0.2.6", kFrom).by == "-all of example.com");
  CHECK(result(zone, "192.0.2.6", kFrom) == "fail");
}

TEST_CASE("5.3 and 5.6: IPv4 and IPv6, and how much of the address counts") {
  Zone zone;
  zone.txt("example.com", "v=spf1 a/24//64 ip4:198.51.100.128/25 ip6:2001:db8:9::/48 -all")
      .a("example.com", {"192.0.2.200", "2001:db8::aaaa"});
  CHECK(result(zone, "192.0.2.1", kFrom) == "pass");
  CHECK(result(zone, "192.0.3.1", kFrom) == "fail");
  CHECK(result(zone, "2001:db8::1", kFrom) == "pass");
  CHECK(result(zone, "2001:db8:0:1::1", kFrom) == "fail");
  CHECK(result(zone, "198.51.100.127", kFrom) == "fail");
  CHECK(result(zone, "198.51.100.255", kFrom) == "pass");
  CHECK(result(zone, "2001:db8:9:ffff::1", kFrom) == "pass");
  CHECK(result(zone, "::ffff:192.0.2.1", kFrom) == "pass");
  CHECK(result_of("v=spf1 ip6:::/0 -all", "192.0.2.1") == "fail");
  CHECK(result_of("v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::1") == "fail");
  CHECK(result_of("v=spf1 ip4:0.0.0.0/0 -all", "::ffff:192.0.2.1") == "pass");
  CHECK(result_of("v=spf1 ip6:::ffff:192.0.2.1 -all", "192.0.2.1") == "fail");
}

TEST_CASE("5.4: the hosts of mx are looked at in turn; there is no implicit one") {
  Zone zone;
  zone.txt("example.com", "v=spf1 mx -all").a("example.com", {"192.0.2.1"});
  CHECK(result(zone, "192.0.2.1", kFrom) == "fail");
  zone.mx("example.com", {"a.example", "b.example"}).a("b.example", {"192.0.2.1"});
  CHECK(run(zone, "192.0.2.1", kFrom).asked.size() == 4);
  CHECK(result(zone, "192.0.2.1", kFrom) == "pass");
  Zone null;
  null.txt("example.com", "v=spf1 mx -all").mx("example.com", {""});
  CHECK(result(null, "192.0.2.1", kFrom) == "fail");
}

TEST_CASE("5.5: ptr counts names that lead back, at or below the domain") {
  Zone zone;
  zone.txt("example.com", "v=spf1 ptr -all")
      .txt("other.example", "v=spf1 ptr:example.com -all")
      .ptr("192.0.2.1", {"lies.example.com", "a.example.com"})
      .a("a.example.com", {"192.0.2.7", "192.0.2.1"})
      .a("lies.example.com", {"192.0.2.9"})
      .ptr("192.0.2.2", {"notexample.com", "example.com.evil.example"})
      .a("notexample.com", {"192.0.2.2"})
      .a("example.com.evil.example", {"192.0.2.2"})
      .ptr("192.0.2.3", {"example.com"})
      .a("example.com", {"192.0.2.3"})
      .ptr("2001:db8::4", {"six.example.com"})
      .a("six.example.com", {"2001:db8::4"})
      .broken(dns::Type::ptr, "5.2.0.192.in-addr.arpa")
      .ptr("192.0.2.6", {"slow.example.com", "b.example.com"})
      .broken(dns::Type::a, "slow.example.com")
      .a("b.example.com", {"192.0.2.6"});
  CHECK(result(zone, "192.0.2.1", kFrom) == "pass");
  CHECK(result(zone, "192.0.2.1", "x@other.example") == "pass");
  CHECK(result(zone, "192.0.2.2", kFrom) == "fail");
  CHECK(result(zone, "192.0.2.3", kFrom) == "pass");
  CHECK(result(zone, "2001:db8::4", kFrom) == "pass");
  CHECK(result(zone, "192.0.2.5", kFrom) == "fail");  // an error there is no match (5.5)
  CHECK(result(zone, "192.0.2.6", kFrom) == "pass");
}

TEST_CASE("5.7: exists asks for A, of an IPv6 client too") {
  Zone zone;
  zone.txt("example.com", "v=spf1 exists:%{ir}.%{v}.%{d} -all")
      .a("1.2.0.192.in-addr.example.com", {"127.0.0.2"})
      .a("six.example.com", {"127.0.0.2"})
      .txt("six.example.org", "v=spf1 exists:six.example.com -all");
  CHECK(result(zone, "192.0.2.1", kFrom) == "pass");
  CHECK(result(zone, "192.0.2.2", kFrom) == "fail");
  CHECK(result(zone, "2001:db8::1", "a@six.example.org") == "pass");
}

TEST_CASE("6.1: redirect is followed when nothing has matched, wherever it stands") {
  Zone zone;
  zone.txt("example.com", "v=spf1 redirect=_spf.%{d} ip4:192.0.2.1")
      .txt("_spf.example.com", "v=spf1 ip4:192.0.2.2 -all")
      .txt("gone.example", "v=spf1 redirect=nowhere.example")
      .txt("bad.example", "v=spf1 redirect=a..example.com");
  CHECK(run(zone, "192.0.2.1", kFrom).asked.size() == 1);
  CHECK(result(zone, "192.0.2.1", kFrom) == "pass");
  CHECK(result(zone, "192.0.2.2", kFrom) == "pass");
  CHECK(run(zone, "192.0.2.3", kFrom).by == "-all of _spf.example.com");
  CHECK(result(zone, "192.0.2.3", kFrom) == "fail");
  CHECK(result(zone, "192.0.2.3", "a@gone.example") == "permerror");
  CHECK(result(zone, "192.0.2.3", "a@bad.example") == "permerror");
}

TEST_CASE("6.2: an explanation is never looked up") {
  const Checked checked =
      run(Zone{}.txt("example.com", "v=spf1 exp=why.example.com -all"), "192.0.2.1", kFrom);
  CHECK(checked.result == "fail");
  CHECK(checked.asked.size() == 1);
}

TEST_CASE("7.3: what the letters stand for in a check") {
  Zone zone;
  zone.txt("example.com", "v=spf1 exists:%{s}.x.example exists:%{l}.%{o}.%{d}.%{h}.example -all")
      .txt("sub.example", "v=spf1 include:inner.example -all")
      .txt("inner.example", "v=spf1 exists:%{o}.%{d}")
      .a("sub.example.inner.example", {"127.0.0.2"})
      .a("postmaster.example.org.example.org.helo.example", {"127.0.0.2"})
      .txt("example.org", "v=spf1 exists:%{l}.%{o}.%{d}.%{h}.example -all");
  CHECK(result(zone, "192.0.2.1", "x@sub.example") == "pass");         // %{o} stays, %{d} is the inner one
  CHECK(result(zone, "192.0.2.1", "@example.org", "helo") == "pass");  // 4.3: postmaster
  CHECK(result(zone, "192.0.2.1", "x@example.org", "helo") == "fail");
}

TEST_CASE("7.3: %{p} is a name of the client that leads back, the domain's own first") {
  Zone zone;
  zone.txt("example.com", "v=spf1 exists:%{p}.ok.example -all")
      .ptr("192.0.2.1", {"z.example.org", "mx.example.com", "lies.example.com"})
      .a("z.example.org", {"192.0.2.1"})
      .a("mx.example.com", {"192.0.2.1"})
      .a("mx.example.com.ok.example", {"127.0.0.2"})
      .txt("example.net", "v=spf1 exists:%{p}.ok.example -all")
      .a("z.example.org.ok.example", {"127.0.0.2"})
      .txt("nobody.example", "v=spf1 redirect=%{p}.ok.example")
      .txt("unknown.ok.example", "v=spf1 ~all");
  CHECK(result(zone, "192.0.2.1", kFrom) == "pass");
  CHECK(result(zone, "192.0.2.1", "x@example.net") == "pass");
  CHECK(result(zone, "192.0.2.2", "x@nobody.example") == "softfail");
}

TEST_CASE("7.3: a name that is too long loses labels on the left") {
  const std::string label(60, 'a');
  const std::string long_name = label + "." + label + "." + label + "." + label + ".example";
  Zone zone;
  zone.txt("example.com", "v=spf1 exists:cut." + label + "." + long_name + " -all")
      .a(long_name, {"127.0.0.2"});
  CHECK(result(zone, "192.0.2.1", kFrom) == "pass");
}

TEST_CASE(
    "names that no question can be made of are not there; those that dnsd does not ask decide nothing") {
  const std::string label(64, 'a');
  CHECK(result_of("v=spf1 a:mail.example...com -all") == "fail");
  CHECK(result_of("v=spf1 a:" + label + ".example.com -all") == "fail");
  CHECK(result_of("v=spf1 exists:%{l}.example.com -all", "192.0.2.1", "\xc3\xa4@example.com") == "fail");
  CHECK(result_of("v=spf1 exists:%{l}.example.com -all", "192.0.2.1", "a=b@example.com") == "temperror");
  CHECK(result_of("v=spf1 include:%{l}.example.com -all", "192.0.2.1", "a=b@example.com") == "temperror");
}
