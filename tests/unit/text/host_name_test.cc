// What a host name is, and what only looks like one.
#include "libcommon/text/host_name.h"

#include <catch2/catch.hpp>
#include <string>

using namespace mailroom;

TEST_CASE("RFC 1123 2.1: names of hosts") {
  for (const char* good :
       {"a", "localhost", "a.b", "mx1.example.org", "MAIL.Example", "1and1.test", "3com.com",
        "1.2.3.4.example", "a--b.example", "xn--bcher-kva.example", "a.xn--p1ai"}) {
    INFO(good);
    CHECK(is_host_name(good));
  }
}

TEST_CASE("names that are none") {
  for (const char* wrong : {"",
                            ".",
                            "a.",
                            ".a",
                            "a..b",
                            "-a",
                            "a-",
                            "a.-b",
                            "a-.b",
                            "a b",
                            "a\tb",
                            "*.a",
                            "a/b",
                            "a:25",
                            "a@b",
                            "[192.0.2.1]",
                            "a_b.example",
                            "_dmarc.example",
                            "b\xc3\xbc.test",
                            "a%2eb",
                            "a\\.b"}) {
    INFO(wrong);
    CHECK_FALSE(is_host_name(wrong));
  }
  CHECK_FALSE(is_host_name(std::string_view{"a\0b.example", 11}));
}

TEST_CASE("what a resolver could read as an address is no host name") {
  for (const char* numeric : {"127.0.0.1", "127.1", "0x7f.1", "1.0x7f", "2130706433", "0x7f000001", "0177",
                              "0177.0.0.01", "0", "a.1", "mx.example.0x1", "example.7z"}) {
    INFO(numeric);
    CHECK_FALSE(is_host_name(numeric));
    CHECK_FALSE(is_host_name(numeric, Underscores::allowed));
  }
}

TEST_CASE("RFC 1035 2.3.4: lengths") {
  const std::string label(kMaxHostLabel, 'a');
  CHECK(is_host_name(label));
  CHECK_FALSE(is_host_name(label + 'a'));
  CHECK_FALSE(is_host_name("x." + label + "a.example"));
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
  REQUIRE(longest.size() == kMaxHostName);
  CHECK(is_host_name(longest));
  CHECK_FALSE(is_host_name(longest + 'a'));
}

TEST_CASE("underscores stand only where they are allowed") {
  CHECK(is_host_name("printer_1.example.edu", Underscores::allowed));
  CHECK(is_host_name("_a.example", Underscores::allowed));
  CHECK_FALSE(is_host_name("a._b", Underscores::allowed));  // the last label begins with a letter
  CHECK_FALSE(is_host_name("-a_b.example", Underscores::allowed));
}

TEST_CASE("a full host name has a domain") {
  CHECK(is_full_host_name("a.example"));
  CHECK(is_full_host_name("a_b.example", Underscores::allowed));
  for (const char* wrong : {"", "a", "a.", ".a", "a.1", "a_b.example"}) CHECK_FALSE(is_full_host_name(wrong));
}
