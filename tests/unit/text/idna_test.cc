#include "libcommon/text/idna.h"

#include <catch2/catch.hpp>

using mailroom::to_a_labels;

TEST_CASE("domains in A-labels, RFC 5890") {
  mailroom::prepare_idna();
  CHECK(to_a_labels("Example.ORG") == "example.org");
  CHECK(to_a_labels("b\xc3\xbc"
                    "cher.example") == "xn--bcher-kva.example");
  CHECK(to_a_labels("B\xc3\x9c"
                    "CHER.example") == "xn--bcher-kva.example");
  CHECK(to_a_labels("xn--bcher-kva.example") == "xn--bcher-kva.example");
  CHECK(to_a_labels("XN--BCHER-KVA.example") == "xn--bcher-kva.example");
  CHECK(to_a_labels("stra\xc3\x9f"
                    "e.example") == "xn--strae-oqa.example");  // not "strasse"
  CHECK(to_a_labels("\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88") ==
        "xn--r8jz45g.xn--zckzah");
}

TEST_CASE("what has no such form") {
  CHECK_FALSE(to_a_labels(""));
  CHECK_FALSE(to_a_labels("xn--a.example"));  // stands for nothing
  CHECK_FALSE(to_a_labels("xn--abc.example\xc3\xbc"));
  CHECK_FALSE(to_a_labels("a\xcc\x81\xe2\x80\xae"
                          "b.example"));            // a change of direction
  CHECK_FALSE(to_a_labels("a_b\xc3\xbc.example"));  // no name of a host
  CHECK_FALSE(to_a_labels("\xff.example"));
  CHECK_FALSE(to_a_labels("\xc3\xbc..example"));
  CHECK_FALSE(to_a_labels("-\xc3\xbc.example"));
  std::string label;
  for (int i = 0; i < 60; ++i) label += "\xc3\xbc";
  CHECK_FALSE(to_a_labels(label + label + ".example"));
  std::string name = "\xc3\xbc.example";
  for (int i = 0; i < 50; ++i) name = "abcdef." + name;
  CHECK_FALSE(to_a_labels(name));
  CHECK_FALSE(to_a_labels(std::string(254, 'a')));
  CHECK_FALSE(to_a_labels(std::string(100'000, 'a')));
}
