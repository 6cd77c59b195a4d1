// RFC 7208 4.6.4: what one check may cost.
#include "tests/unit/spf/zone.h"

using namespace mailroom;
using namespace mailroom::spf;
using namespace mailroom::spf::test;

namespace {

constexpr const char* kFrom = "anna@example.com";

std::string times(int n, const std::string& text) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

// Where every kind of term finds something, and nothing of the client's.
Zone full() {
  Zone zone;
  zone.a("example.com", {"192.0.2.9"})
      .mx("example.com", {"example.com"})
      .txt("inner.example", "v=spf1")
      .ptr("192.0.2.1", {"host.example"})
      .a("host.example", {"192.0.2.1"});
  return zone;
}

std::string result_with(const std::string& terms) {
  return result(full().txt("example.com", "v=spf1" + terms + " ip4:192.0.2.1 -all"), "192.0.2.1", kFrom);
}

}  // namespace

TEST_CASE("ten terms may look something up, and no eleventh") {
  for (const std::string term : {" a", " mx", " ptr", " include:inner.example"}) {
    CAPTURE(term);
    CHECK(result_with(times(10, term)) == "pass");
    CHECK(result_with(times(11, term)) == "permerror");
  }
  CHECK(result_with(times(9, " a") + " exists:none.example") == "pass");
  CHECK(result_with(times(10, " a") + " exists:none.example") == "permerror");
  CHECK(result_with(times(8, " a") + " exists:%{p}.example") == "pass");
  CHECK(result_with(times(9, " a") + " exists:%{p}.example") == "permerror");
  CHECK(result_with(times(100, " ip4:192.0.2.7 ip6:2001:db8::1")) == "pass");
}

TEST_CASE("the terms of what is included count, and so does what leads elsewhere") {
  Zone zone = full();
  zone.txt("eight.example", "v=spf1" + times(8, " a:example.com"))
      .txt("example.com", "v=spf1 a include:eight.example ip4:192.0.2.1 -all")
      .txt("over.example", "v=spf1 a:example.com include:eight.example a:example.com ip4:192.0.2.1 -all")
      .txt("led.example", "v=spf1" + times(10, " a:example.com") + " redirect=inner.example");
  CHECK(result(zone, "192.0.2.1", kFrom) == "pass");
  CHECK(result(zone, "192.0.2.1", "a@over.example") == "permerror");
  CHECK(result(zone, "192.0.2.1", "a@led.example") == "permerror");
}

TEST_CASE("loops end") {
  Zone zone;
  zone.txt("example.com", "v=spf1 include:example.org")
      .txt("example.org", "v=spf1 include:example.com")
      .txt("self.example", "v=spf1 redirect=self.example");
  for (const char* from : {kFrom, "a@self.example"}) {
    const Checked checked = run(zone, "192.0.2.1", from);
    CHECK(checked.result == "permerror");
    CHECK(checked.asked.size() == kMaxTerms + 1);
  }
}

TEST_CASE("two lookups may find nothing, and no third") {
  Zone zone;
  zone.txt("example.com", "v=spf1 a:x.example exists:y.example ?all")
      .txt("three.example", "v=spf1 a:x.example mx:y.example exists:z.example ?all")
      .txt("ptr.example", "v=spf1 a:x.example mx:y.example ptr ?all")
      .txt("hosts.example", "v=spf1 mx ?all")
      .mx("hosts.example", {"a.example", "b.example", "c.example"});
  CHECK(result(zone, "192.0.2.1", kFrom) == "neutral");
  CHECK(result(zone, "192.0.2.1", "a@three.example") == "permerror");
  CHECK(result(zone, "192.0.2.1", "a@ptr.example") == "permerror");
  CHECK(result(zone, "192.0.2.1", "a@hosts.example") == "permerror");
}

TEST_CASE("a mail domain of more than ten hosts is an error; an address of many addresses is none") {
  Zone zone;
  zone.txt("ten.example", "v=spf1 mx ?all").txt("eleven.example", "v=spf1 mx ?all");
  for (int i = 0; i < 11; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example";
    if (i < 10) zone.mx("ten.example", {host.c_str()});
    zone.mx("eleven.example", {host.c_str()});
    zone.a(host, {i == 9 ? "192.0.2.1" : "192.0.2.2"});
  }
  CHECK(result(zone, "192.0.2.1", "a@ten.example") == "pass");
  CHECK(result(zone, "192.0.2.1", "a@eleven.example") == "permerror");

  Zone many;
  many.txt("example.com", "v=spf1 a -all");
  for (int i = 1; i <= 50; ++i) many.a("example.com", {("192.0.2." + std::to_string(i)).c_str()});
  CHECK(result(many, "192.0.2.50", kFrom) == "pass");
}

TEST_CASE("of a client's many names the first ten are looked at") {
  Zone zone;
  zone.txt("tenth.example", "v=spf1 ptr -all").txt("eleventh.example", "v=spf1 ptr -all");
  for (int i = 1; i <= 9; ++i) zone.ptr("192.0.2.1", {"lies.example"});
  zone.ptr("192.0.2.1", {"a.tenth.example", "a.eleventh.example"})
      .a("a.tenth.example", {"192.0.2.1"})
      .a("a.eleventh.example", {"192.0.2.1"});
  CHECK(result(zone, "192.0.2.1", "a@tenth.example") == "pass");
  CHECK(result(zone, "192.0.2.1", "a@eleventh.example") == "fail");
}

TEST_CASE("the costliest record stays within the bound of questions") {
  Zone zone;
  zone.txt("example.com", "v=spf1" + times(10, " mx") + " -all");
  for (int i = 0; i < 10; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example";
    zone.mx("example.com", {host.c_str()}).a(host, {"192.0.2.2"});
  }
  const Checked checked = run(zone, "192.0.2.1", kFrom);
  CHECK(checked.result == "fail");
  CHECK(checked.asked.size() == 1 + kMaxTerms * (1 + kMaxHosts));
  CHECK(checked.asked.size() <= kMaxQuestions);
}

TEST_CASE("an answer that nobody asked for changes nothing") {
  Check check{{ip("192.0.2.1"), "helo", "anna", "example.com"}};
  dns::Answer answer{.outcome = dns::Outcome::answer};
  answer.texts = {"v=spf1 -all"};
  check.answered(answer);
  REQUIRE(check.question() == nullptr);
  CHECK(check.result() == Result::fail);
  answer.texts = {"v=spf1 +all"};
  check.answered(answer);
  CHECK(check.result() == Result::fail);
}
