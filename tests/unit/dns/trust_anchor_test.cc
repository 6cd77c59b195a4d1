#include "libcommon/dns/trust_anchor.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

namespace mailroom::dns {
namespace {

TEST_CASE("anchor files") {
  const auto anchors =
      parse_trust_anchors("; a comment\n"
                          "\n"
                          ".\t3600 IN\tDS 20326 8 2 E06D44B8\r\n"
                          "example.org. IN DNSKEY 257 3 13 "
                          "mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxIL ;{id = 1}\n"
                          ". DS 38696 8 2 683D2D0A");
  REQUIRE(anchors);
  CHECK(
      *anchors ==
      std::vector<std::string>{
          ".\t3600 IN\tDS 20326 8 2 E06D44B8",
          "example.org. IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxIL",
          ". DS 38696 8 2 683D2D0A"});
}

TEST_CASE("what is no anchor is an error with its line") {
  CHECK(parse_trust_anchors(". IN DS 1 8 2 AA\n. IN A 192.0.2.1\n").error() ==
        "line 2 is no DS or DNSKEY record");
  CHECK(parse_trust_anchors("DS 1 8 2 AA\n").error() == "line 1 is no DS or DNSKEY record");    // no name
  CHECK(parse_trust_anchors(". IN DS 1 8 2\n").error() == "line 1 is no DS or DNSKEY record");  // no digest
  CHECK(parse_trust_anchors(". IN DS x 8 2 AA\n").error() == "line 1 is no DS or DNSKEY record");  // no tag
  CHECK(parse_trust_anchors(". 1 2 IN DS 1 8 2 AA\n").error() == "line 1 is no DS or DNSKEY record");
  CHECK(parse_trust_anchors(". IN DS 1 8 2 \x01\n").error() == "line 1 is no DS or DNSKEY record");
  CHECK(parse_trust_anchors("; nothing\n\n").error() == "no DS or DNSKEY record in it");
  CHECK(parse_trust_anchors("").error() == "no DS or DNSKEY record in it");
}

TEST_CASE("the root's keys are anchors, and those that Debian distributes") {
  std::string all;
  for (const std::string& anchor : root_trust_anchors()) all += anchor + "\n";
  CHECK(parse_trust_anchors(all) == root_trust_anchors());
  std::ifstream debian{"/usr/share/dns/root.ds"};
  if (!debian) return;
  std::stringstream text;
  text << debian.rdbuf();
  CHECK(parse_trust_anchors(text.str()) == root_trust_anchors());
}

}  // namespace
}  // namespace mailroom::dns
