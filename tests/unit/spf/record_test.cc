#include "libcommon/policy/spf/record.h"

#include <catch2/catch.hpp>

using namespace mailroom::spf;

TEST_CASE("an SPF record is one by its version (RFC 7208 4.5)") {
  for (const char* text : {"v=spf1", "v=spf1 ", "V=SPF1 -all", "v=spf1  a"}) CHECK(is_record(text));
  for (const char* text :
       {"", "v=spf", "v=spf10", "v=spf1-all", " v=spf1", "v=spf1\t-all", "spf2.0/pra -all"})
    CHECK_FALSE(is_record(text));
}

TEST_CASE("terms are read with their arguments") {
  const auto record =
      parse_record("v=spf1 +a -MX:Mail.example.com/28//64  ?ptr ~ip4:192.0.2.0/24 ip6:2001:db8::/32 "
                   "exists:%{ir}.%{d} include:example.net a//0 redirect=_spf.example.com exp=why.%{d} -all ");
  REQUIRE(record);
  REQUIRE(record->directives.size() == 9);
  const auto& list = record->directives;
  CHECK(list[0].qualifier == Qualifier::pass);
  CHECK(list[0].mechanism == Mechanism::a);
  CHECK(list[0].domain.empty());
  CHECK(list[0].v4_bits == 32);
  CHECK(list[0].v6_bits == 128);
  CHECK(list[1].qualifier == Qualifier::fail);
  CHECK(list[1].mechanism == Mechanism::mx);
  CHECK(list[1].domain == "Mail.example.com");
  CHECK(list[1].v4_bits == 28);
  CHECK(list[1].v6_bits == 64);
  CHECK(list[1].text == "-MX:Mail.example.com/28//64");
  CHECK(list[2].qualifier == Qualifier::neutral);
  CHECK(list[2].mechanism == Mechanism::ptr);
  CHECK(list[3].qualifier == Qualifier::softfail);
  CHECK(list[3].address.text() == "192.0.2.0");
  CHECK(list[3].v4_bits == 24);
  CHECK(list[4].address.text() == "2001:db8::");
  CHECK(list[4].v6_bits == 32);
  CHECK(list[5].domain == "%{ir}.%{d}");
  CHECK(list[6].mechanism == Mechanism::include);
  CHECK(list[7].v6_bits == 0);
  CHECK(list[8].mechanism == Mechanism::all);
  CHECK(record->redirect == "_spf.example.com");
}

TEST_CASE("what may stand in a record") {
  for (const char* text :
       {"", " all", " a/0", " a/32", " mx//128", " ip4:1.2.3.4", " ip4:1.2.3.4/0", " ip6:::1", " ip6:::/0",
        " moo.cow-far_out=man:dog/cat -all", " default=", " all=x", " ptr:example.com", " a:1.example.com/8",
        " exp=a.b redirect=c.d", " x=%{c}", " a:example.com.", " ip6:::ffff:1.2.3.4/96"}) {
    CAPTURE(text);
    CHECK(parse_record(std::string{"v=spf1"} + text));
  }
}

TEST_CASE("one wrong term makes the whole record wrong (RFC 7208 4.6)") {
  for (const char* term : {"moo",
                           "-",
                           "all.",
                           "all:foobar",
                           "all/8",
                           "-all:",
                           "include",
                           "include:",
                           "include/24",
                           "include:a.b/24",
                           "exists",
                           "exists:",
                           "a:",
                           "a:/24",
                           "a/",
                           "a/33",
                           "a//129",
                           "a/24/64",
                           "a/08",
                           "a//064",
                           "a///64",
                           "a/24//",
                           "a:foo-bar",
                           "a:a.b:80",
                           "a.b",
                           "mx:",
                           "mx/x",
                           "mx:%{x}.org",
                           "ptr:",
                           "ptr/24",
                           "ptr:a.b/24",
                           "ip4",
                           "ip4:",
                           "ip4:1.2.3",
                           "ip4:1.2.3.4/33",
                           "ip4:1.2.3.4//32",
                           "ip4:1.2.3.04",
                           "ip4:1.2.3.4/",
                           "ip4:::1",
                           "ip4:1.2.3.4:25",
                           "ip4/24",
                           "ip6",
                           "ip6:1.2.3.4",
                           "ip6:::1/129",
                           "ip6:::1//33",
                           "ip6:::1%lo",
                           "ip6:[::1]",
                           "ip6:x::",
                           "redirect=",
                           "exp=",
                           "exp=%{c}.a",
                           "redirect:a.b",
                           "=all",
                           "1up=foo",
                           "foo=%abc",
                           "a_b=\x01",
                           "exp=a.b exp=a.b",
                           "redirect=a.b redirect=a.b",
                           "--all",
                           "+-all",
                           "ip4:1.2.3.4\tall",
                           "\xc2\xa0",
                           "moo.cow/far_out=man:dog/cat"}) {
    CAPTURE(term);
    CHECK_FALSE(parse_record(std::string{"v=spf1 ip4:192.0.2.1 "} + term + " -all"));
    CHECK_FALSE(parse_record(std::string{"v=spf1 -all "} + term));
  }
}
