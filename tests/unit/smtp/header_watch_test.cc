#include <catch2/catch.hpp>

#include <string>

#include "libcommon/protocol/smtp/header_watch.h"

using mailroom::smtp::HeaderWatch;

namespace {

HeaderWatch watch(std::string_view content, std::size_t piece) {
  HeaderWatch header;
  for (std::size_t at = 0; at < content.size(); at += piece) header.feed(content.substr(at, piece));
  return header;
}

}  // namespace

TEST_CASE("fields and hops are counted up to the empty line, in pieces of any size") {
  const std::string header = "Received: from a\r\n by b\r\nReceive: no\r\nrEceIved : from c\r\nX: Received: "
                             "no\r\nReceived-SPF: no\r\n"
                             "\tReceived: no\r\nReceived:\r\nRE\r\n\r\n";
  const std::string message = header + "Received: in the body\r\n\r\nReceived: too\r\n";
  for (std::size_t piece = 1; piece <= message.size(); ++piece) {
    const HeaderWatch counted = watch(message, piece);
    CHECK(counted.is_over());
    CHECK(counted.octets() == header.size());
    CHECK(counted.fields() == 7);
    CHECK(counted.received() == 3);
  }
}

TEST_CASE("a message may have no header, or nothing else") {
  CHECK(watch("\r\nReceived: body\r\n", 1).fields() == 0);
  CHECK(watch("\r\n", 2).is_over());
  const HeaderWatch only = watch("A: b\r\nC: d\r\n", 3);
  CHECK_FALSE(only.is_over());
  CHECK(only.fields() == 2);
  CHECK(only.octets() == 12);
}
