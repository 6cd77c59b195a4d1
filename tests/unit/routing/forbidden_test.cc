#include "libcommon/routing/forbidden.h"

#include <catch2/catch.hpp>

using namespace mailroom;
using namespace mailroom::routing;

namespace {

IpAddress address(const std::string& text) {
  const auto parsed = parse_ip_and_port(text.find(':') == text.npos ? text + ":25" : "[" + text + "]:25");
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("addresses that a stranger's DNS must not lead to") {
  for (const char* text : {"0.0.0.0",     "0.1.2.3",           "10.0.0.1",        "10.255.255.255",
                           "100.64.0.1",  "127.0.0.1",         "127.255.0.1",     "169.254.169.254",
                           "172.16.0.1",  "172.31.255.255",    "192.168.1.1",     "224.0.0.1",
                           "239.1.1.1",   "240.0.0.1",         "255.255.255.255", "::",
                           "::1",         "fe80::1",           "febf::1",         "fc00::1",
                           "fdff::1",     "ff02::1",           "fec0::1",         "::ffff:127.0.0.1",
                           "::127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::1",  "2002:a00:1::"}) {
    INFO(text);
    CHECK(why_forbidden(address(text), {}) != nullptr);
  }
}

TEST_CASE("addresses of the Internet") {
  for (const char* text :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.1", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255",
        "2001:db8::1", "2a00::1", "64:ff9b::1.1.1.1", "2002:101:101::1"}) {
    INFO(text);
    CHECK(why_forbidden(address(text), {}) == nullptr);
  }
}

TEST_CASE("an operator may allow networks") {
  const std::vector<IpNetwork> allowed{*parse_ip_network("10.1.0.0/16"), *parse_ip_network("fd00:1::/32"),
                                       *parse_ip_network("127.0.0.9")};
  CHECK(why_forbidden(address("10.1.255.1"), allowed) == nullptr);
  CHECK(why_forbidden(address("10.2.0.1"), allowed) != nullptr);
  CHECK(why_forbidden(address("fd00:1:2::3"), allowed) == nullptr);
  CHECK(why_forbidden(address("127.0.0.9"), allowed) == nullptr);
  CHECK(why_forbidden(address("127.0.0.8"), allowed) != nullptr);
}

TEST_CASE("networks are read as they are meant, or not at all") {
  CHECK(parse_ip_network("192.0.2.0/24")->text() == "192.0.2.0/24");
  CHECK(parse_ip_network("2001:db8::/32")->text() == "2001:db8::/32");
  CHECK(parse_ip_network("192.0.2.7")->text() == "192.0.2.7/32");
  CHECK(parse_ip_network("0.0.0.0/0")->contains(address("8.8.8.8")));
  CHECK_FALSE(parse_ip_network("0.0.0.0/0")->contains(address("2001:db8::1")));
  CHECK(parse_ip_network("::/0")->contains(address("8.8.8.8")));
  for (const char* wrong : {"", "/8", "192.0.2.1/24", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/",
                            "192.0.2.0/x", "192.0.2.0/-1", "host/8", "192.0.2.0/24/8"})
    CHECK_FALSE(parse_ip_network(wrong));
}
