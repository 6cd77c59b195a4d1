#include "libcommon/policy/reverse_name.h"

#include <catch2/catch.hpp>

#include "libcommon/sys/ip_network.h"

using namespace mailroom;
using namespace mailroom::policy;

namespace {

IpAddress ip(const char* text) { return parse_ip_network(text)->base; }

const IpAddress kClient = ip("192.0.2.7");

dns::Answer ptr(std::vector<std::string> names) {
  return {.outcome = dns::Outcome::answer, .ttl = 300, .names = std::move(names)};
}
dns::Answer at(const char* address) {
  return {.outcome = dns::Outcome::answer, .ttl = 60, .addresses = {ip(address)}};
}
const dns::Answer kNoAddress{.outcome = dns::Outcome::no_data, .ttl = 60}, kFailed{},
    kNoPtr{.outcome = dns::Outcome::no_domain, .ttl = 30};

}  // namespace

TEST_CASE("the five outcomes of a reverse name") {
  CHECK(confirm_names(kClient, ptr({"a.test"}), {at("192.0.2.7")}).outcome == ReverseName::confirmed);
  CHECK(confirm_names(kClient, kNoPtr, {}).outcome == ReverseName::absent);
  CHECK(confirm_names(kClient, ptr({"a.test"}), {kNoAddress}).outcome == ReverseName::unresolved);
  CHECK(confirm_names(kClient, ptr({"a.test"}), {at("192.0.2.8")}).outcome == ReverseName::elsewhere);
  CHECK(confirm_names(kClient, kFailed, {}).outcome == ReverseName::unknown);
}

TEST_CASE("one of several names is enough, and all that are confirmed are kept") {
  const auto found =
      confirm_names(kClient, ptr({"a.test", "b.test", "c.test", "d.test"}),
                    {at("192.0.2.8"),
                     at("192.0.2.7"),
                     kFailed,
                     {.outcome = dns::Outcome::answer, .ttl = 60, .addresses = {ip("10.0.0.1"), kClient}}});
  CHECK(found.outcome == ReverseName::confirmed);
  CHECK(found.names == std::vector<std::string>{"b.test", "d.test"});
  CHECK(words_of(found) == "b.test, confirmed");
  CHECK(found.incomplete);
  CHECK(found.ttl == 0);
  const auto complete = confirm_names(kClient, ptr({"a.test", "b.test"}), {at("192.0.2.8"), at("192.0.2.7")});
  CHECK_FALSE(complete.incomplete);
  CHECK(complete.ttl == 60);
}

TEST_CASE("a failure of the DNS is never taken for an absence") {
  CHECK(confirm_names(kClient, ptr({"a.test"}), {kFailed}).outcome == ReverseName::unknown);
  CHECK(confirm_names(kClient, ptr({"a.test", "b.test"}), {at("192.0.2.8"), kFailed}).outcome ==
        ReverseName::unknown);
  CHECK(confirm_names(kClient, ptr({"a.test", "b.test"}), {kNoAddress}).outcome == ReverseName::unknown);
}

TEST_CASE("names are asked for in one form, once, and not more than a few") {
  CHECK(names_to_ask(ptr({"A.Test.", "a.test", "b_1.test", "", ".", "a..b", "x y", "n\0ul"})) ==
        std::vector<std::string>{"a.test", "b_1.test", "n"});
  std::vector<std::string> many;
  for (int i = 0; i < 1'000; ++i) many.push_back("n" + std::to_string(i) + ".test");
  CHECK(names_to_ask(ptr(many)).size() == kMaxNames);
  CHECK(confirm_names(kClient, ptr({"x y"}), {}).outcome == ReverseName::absent);
}

TEST_CASE("addresses are compared whatever their port and family") {
  CHECK(confirm_names(ip("2001:db8::1"), ptr({"a.test"}), {at("2001:db8::1")}).outcome ==
        ReverseName::confirmed);
  IpAddress with_port = kClient;
  with_port.port = 4711;
  CHECK(confirm_names(with_port, ptr({"a.test"}), {at("::ffff:192.0.2.7")}).outcome ==
        ReverseName::confirmed);
}
