// PEM: what is whole, and what a file that was cut off or written over has left.
#include <catch2/catch.hpp>

#include "libcommon/text/base64.h"
#include "libcommon/text/pem.h"

using namespace mailroom;

namespace {

using namespace std::string_view_literals;

std::string block(std::string_view der, std::string_view label = "CERTIFICATE") {
  const std::string name{label};
  return "-----BEGIN " + name + "-----\n" + encode_base64_lines(der) + "-----END " + name + "-----\n";
}

std::string trouble(std::string_view text) {
  const auto all = decode_pem(text, "CERTIFICATE");
  return all ? "none" : all.error();
}

const std::string kShort{"\x30\x03\x02\x01\x05"sv};
const std::string kLong = std::string{"\x30\x82\x01\x00"sv} + std::string(256, 'x');

}  // namespace

TEST_CASE("PEM: all blocks of a label, in their order") {
  const std::string text =
      "Subject: somebody\n" + block(kShort) + "between\n" + block("a key", "PRIVATE KEY") + block(kLong);
  CHECK(decode_pem(text, "CERTIFICATE") == std::vector{kShort, kLong});
  CHECK(decode_pem(text, "X509 CRL")->empty());
  CHECK(decode_pem("", "CERTIFICATE")->empty());
}

TEST_CASE("PEM: line ends and widths are the writer's") {
  const std::string text = "-----BEGIN CERTIFICATE-----\r\nMAMC\r\n AQU=\t\r\n-----END CERTIFICATE-----";
  CHECK(decode_pem(text, "CERTIFICATE") == std::vector{kShort});
}

TEST_CASE("PEM: a block that is cut off anywhere is none") {
  const std::string whole = block(kLong);
  const std::size_t last = whole.find("-----END") + std::string_view{"-----END CERTIFICATE-----"}.size();
  for (std::size_t size = std::string_view{"-----BEGIN CERTIFICATE-----"}.size(); size < last; ++size)
    CHECK(trouble(whole.substr(0, size)) == "CERTIFICATE number 1 in it is cut off or damaged");
  CHECK(trouble(block(kShort) + whole.substr(0, 100)) == "CERTIFICATE number 2 in it is cut off or damaged");
  CHECK(trouble(whole.substr(0, 100) + block(kShort)) == "CERTIFICATE number 1 in it is cut off or damaged");
}

TEST_CASE("PEM: what is not one sequence is none") {
  CHECK(trouble("-----BEGIN CERTIFICATE-----\nthis is no base 64\n-----END CERTIFICATE-----\n") != "none");
  for (const std::string_view der : {""sv, "\x30"sv, "\x31\x00"sv, "\x30\x01"sv, "\x30\x00\x00"sv,
                                     "\x30\x80\x00\x00"sv, "\x30\x81"sv, "\x30\x85\x00\x00\x00\x00\x01x"sv})
    CHECK(trouble(block(der)) != "none");
  CHECK(trouble(block(kLong.substr(0, kLong.size() - 1))) != "none");
  CHECK(trouble(block(kLong + "x")) != "none");
}
