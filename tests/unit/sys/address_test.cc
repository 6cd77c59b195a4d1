#include "libcommon/sys/ip_address.h"

#include <catch2/catch.hpp>

namespace {

using namespace mailroom;

TEST_CASE("addresses are written and read") {
  CHECK(parse_ip_and_port("192.0.2.1:25")->text() == "192.0.2.1");
  CHECK(parse_ip_and_port("192.0.2.1:25")->port == 25);
  CHECK(parse_ip_and_port("[2001:db8::1]:465")->literal() == "IPv6:2001:db8::1");
  for (const char* wrong :
       {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:70000", "2001:db8::1", "[::1]", "host:25"})
    CHECK_FALSE(parse_ip_and_port(wrong));
}

TEST_CASE("what follows a NUL is not overlooked") {
  CHECK_FALSE(parse_ip_and_port(std::string_view{"192.0.2.1\0x:25", 14}));
  CHECK_FALSE(parse_ip_and_port(std::string_view{"[::1\0]:25", 9}));
}

TEST_CASE("an IPv4-mapped address is its IPv4 address") {
  CHECK(parse_ip_and_port("[::ffff:192.0.2.1]:25") == parse_ip_and_port("192.0.2.1:25"));
}

TEST_CASE("limits count an IPv4 host, and an IPv6 /64") {
  CHECK(parse_ip_and_port("192.0.2.1:1")->host_for_limits() ==
        parse_ip_and_port("192.0.2.1:2")->host_for_limits());
  CHECK(parse_ip_and_port("192.0.2.1:1")->host_for_limits() !=
        parse_ip_and_port("192.0.2.2:1")->host_for_limits());
  CHECK(parse_ip_and_port("[2001:db8::1]:1")->host_for_limits() ==
        parse_ip_and_port("[2001:db8::2:0:0:1]:2")->host_for_limits());
  CHECK(parse_ip_and_port("[2001:db8:0:1::1]:1")->host_for_limits() !=
        parse_ip_and_port("[2001:db8::1]:1")->host_for_limits());
}

TEST_CASE("a socket address goes there and back") {
  for (const char* text : {"192.0.2.1:25", "[2001:db8::1]:465"}) {
    const auto address = *parse_ip_and_port(text);
    sockaddr_storage storage;
    to_sockaddr(address, storage);
    CHECK(ip_address_of(storage) == address);
  }
}

}  // namespace
