#include "libcommon/policy/spf/macro.h"

#include <catch2/catch.hpp>

#include "libcommon/sys/ip_network.h"

using namespace mailroom;
using namespace mailroom::spf;

namespace {

std::string expanded(std::string_view text, const char* client = "192.0.2.3") {
  return expand(text, {.local = "strong-bad",
                       .sender_domain = "email.example.com",
                       .domain = "email.example.com",
                       .helo = "mx.example.org",
                       .validated_name = "mx.example.org",
                       .client = parse_ip_network(client)->base});
}

}  // namespace

TEST_CASE("macros are expanded as RFC 7208 7.4 shows") {
  const std::pair<const char*, const char*> kExamples[] = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
  };
  for (const auto& [text, expected] : kExamples) {
    CAPTURE(text);
    CHECK(is_domain_spec(text));
    CHECK(expanded(text) == expected);
  }
  CHECK(expanded("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01") ==
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
}

TEST_CASE("macros: percent, spaces, names, capitals") {
  CHECK(expanded("%%%_%-") == "% %20");
  CHECK(expanded("%{h}/%{p}") == "mx.example.org/mx.example.org");
  CHECK(expanded("%{S}") == "strong-bad%40email.example.com");
  CHECK(expanded("%{D2}") == "example.com");
  CHECK(expanded("%{d99999999999999999999999}") == "email.example.com");
  CHECK(expanded("%{l1-}") == "bad");
  CHECK(expanded("%{d2.-}") == "example.com");
  CHECK(expanded("%{DR}") == "com.example.email");
  CHECK(uses_letter("a.%{P1}.b", 'p'));
  CHECK_FALSE(uses_letter("p.%{d}.%%{p}", 'p'));
}

TEST_CASE("a domain-spec ends in a macro or in what can be a top-level label") {
  for (const char* text : {"example.com", "example.com.", "%{d}", "a.%{d}", "%{d}.com", "a..com", "x.a-1",
                           "_spf.1a", "a!$.org", "foo.%%", "%{d1r.-+,/_=}"})
    CHECK(is_domain_spec(text));
  for (const char* text : {"",           "com",          "foo-bar",   "example.1", "example.-a",
                           "example.a-", "a.b_c",        "%{d}com",   "example.",  "%",
                           "%a",         "%{d",          "%{}",       "%{d0}.org", "%{d r}.org",
                           "%{dx}.org",  "%(d).org",     "%{a}.org",  "%{c}.org",  "a b.org",
                           "%{r}.org",   "\xc3\xa4.org", "a.b\t.org", "%{dR2}.org"})
    CHECK_FALSE(is_domain_spec(text));
  CHECK_FALSE(is_domain_spec(std::string_view{"%{\0}.org", 9}));
}

TEST_CASE("in what is ignored the letters of explanations may stand") {
  CHECK(is_macro_string(""));
  CHECK(is_macro_string("%{c}%{r}%{t}:/man=dog"));
  CHECK_FALSE(is_macro_string("%{x}"));
  CHECK_FALSE(is_macro_string("%abc"));
}
