#include "libcommon/dns/name.h"

#include <catch2/catch.hpp>

#include "tests/unit/dns/wire.h"

namespace mailroom::dns {
namespace {

using test::wire_name;

std::string text_of(const std::string& message, std::size_t offset = 0) {
  const auto name = read_name(message, offset);
  return name ? name->text : "(malformed)";
}

TEST_CASE("names are read in lower case, with what is not a host name's octet escaped") {
  CHECK(text_of(wire_name("Mx1.Example.ORG")) == "mx1.example.org");
  CHECK(text_of(wire_name("")) == "");
  CHECK(text_of(wire_name("_25._tcp.mx")) == "_25._tcp.mx");
  CHECK(text_of(std::string("\x04"
                            "a.b\n"
                            "\x01"
                            "c"
                            "\0",
                            8)) == "a\\046b\\010.c");
  CHECK(text_of(std::string("\x02\xff\0"
                            "\0",
                            4)) == "\\255\\000");
}

TEST_CASE("compressed names") {
  const std::string first = wire_name("example.org");  // at 0, 13 octets
  const std::string message = first + "\x03mx1" + std::string("\xc0\x00", 2) + "after";
  const auto name = read_name(message, first.size());
  REQUIRE(name);
  CHECK(name->text == "mx1.example.org");
  CHECK(name->end == first.size() + 6);
  CHECK(text_of(first + std::string("\xc0\x08", 2), 13) == "org");
}

TEST_CASE("pointers go back only") {
  CHECK(text_of(std::string("\xc0\x00", 2)) == "(malformed)");  // to itself
  CHECK(text_of(std::string("\xc0\x02\x01"
                            "a\0",
                            5)) == "(malformed)");  // forward
  CHECK(text_of(std::string("\x01"
                            "a\xc0\x00",
                            4)) == "(malformed)");  // to its own beginning
  CHECK(text_of(std::string("\x01"
                            "a\xc0\x00\xc0\x02",
                            6),
                4) == "(malformed)");  // a circle of two
  CHECK(text_of(std::string("\xc0", 1)) == "(malformed)");
  CHECK(text_of(std::string("\xc0\xff", 2)) == "(malformed)");
}

TEST_CASE("what is longer than a name, or reaches over the end") {
  std::string longest;
  for (int i = 0; i < 3; ++i) longest += std::string(1, 63) + std::string(63, 'x');
  CHECK(text_of(longest + std::string(1, 61) + std::string(61, 'y') + '\0').size() == 253);
  CHECK(text_of(longest + std::string(1, 62) + std::string(62, 'y') + '\0') == "(malformed)");
  CHECK(text_of("\x05"
                "abc") == "(malformed)");
  CHECK(text_of("") == "(malformed)");
  CHECK(text_of("\x01"
                "a") == "(malformed)");
  CHECK(text_of(std::string("\x40\0", 2)) == "(malformed)");  // label types that are not used
  CHECK(text_of(std::string("\x80\0", 2)) == "(malformed)");
}

TEST_CASE("names that can be asked for") {
  for (const char* good :
       {"a", "example.org", "_25._tcp.mx.example.org", "xn--bcher-kva.example", "1.2.0.192.in-addr.arpa"})
    CHECK(is_domain_name(good));
  CHECK(is_domain_name(std::string(63, 'a') + ".b"));
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "a b",
                          "b\xc3\xbc"
                          "cher",
                          "a\\046b", "a\n", "*.a", "$(id)"})
    CHECK_FALSE(is_domain_name(bad));
  CHECK_FALSE(is_domain_name(std::string(64, 'a')));
  std::string longest(253, 'a');
  for (std::size_t i = 60; i < 253; i += 60) longest[i] = '.';
  CHECK(is_domain_name(longest));
  CHECK_FALSE(is_domain_name(longest + "a"));
}

}  // namespace
}  // namespace mailroom::dns
