#include <catch2/catch.hpp>

#include <string>

#include "libcommon/protocol/smtp/received.h"
#include "libcommon/protocol/smtp/reply.h"

using namespace mailroom::smtp;

namespace {

std::string reply(unsigned code, std::string_view enhanced, std::string_view text) {
  std::string out;
  append_reply(out, static_cast<std::uint16_t>(code), enhanced, text);
  return out;
}

}  // namespace

TEST_CASE("replies of one line and of several") {
  CHECK(reply(250, "2.1.0", "OK") == "250 2.1.0 OK\r\n");
  CHECK(reply(354, "", "Go on") == "354 Go on\r\n");
  CHECK(reply(250, "", "host\nSIZE 10\nHELP") == "250-host\r\n250-SIZE 10\r\n250 HELP\r\n");
  CHECK(reply(550, "5.7.1", "a\nb") == "550-5.7.1 a\r\n550 5.7.1 b\r\n");
}

TEST_CASE("no text ends or forges a line, and none is too long") {
  CHECK(reply(550, "5.1.1", "x\r250 \x1b[0m\xc3\xbc\t") == "550 5.1.1 x?250 ?[0m???\r\n");
  CHECK(reply(550, "5.1.1", std::string(10'000, 'x')).size() == 512);
}

TEST_CASE("dates") {
  using namespace std::chrono;
  CHECK(date_time(sys_seconds{seconds{0}}) == "Thu, 1 Jan 1970 00:00:00 +0000");
  CHECK(date_time(sys_days{2026y / 11 / 22} + 1h + 2min + 3s) == "Sun, 22 Nov 2026 01:02:03 +0000");
}

TEST_CASE("the Received field") {
  TraceFacts facts;
  facts.helo = "client.example";
  facts.client_literal = "192.0.2.1";
  facts.by = "mail.example.org";
  facts.id = "4K2";
  facts.esmtp = true;
  facts.when = std::chrono::sys_seconds{};
  CHECK(received_field(facts) ==
        "Received: from client.example ([192.0.2.1])\r\n\tby mail.example.org with ESMTP id 4K2;\r\n"
        "\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
  facts.tls = facts.authenticated = true;
  facts.tls_version = "TLSv1.3";
  facts.tls_cipher = "TLS_AES_128_GCM_SHA256";
  facts.tls_group = "x25519";
  CHECK(
      received_field(facts) ==
      "Received: from client.example ([192.0.2.1])\r\n\tby mail.example.org with ESMTPSA (TLSv1.3) id 4K2\r\n"
      "\ttls TLS_AES_128_GCM_SHA256 group x25519;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
  facts.helo = "a) by evil\r\nX-Evil: 1";
  CHECK(received_field(facts).starts_with("Received: from unknown ([192.0.2.1])\r\n\tby"));
}

TEST_CASE("the names of RFC 3848 and RFC 6531") {
  TraceFacts facts;
  CHECK(with_protocol(facts) == "SMTP");
  facts.esmtp = true;
  CHECK(with_protocol(facts) == "ESMTP");
  facts.authenticated = true;
  CHECK(with_protocol(facts) == "ESMTPA");
  facts.tls = true;
  CHECK(with_protocol(facts) == "ESMTPSA");
  facts.smtputf8 = true;
  CHECK(with_protocol(facts) == "UTF8SMTPSA");
  facts.authenticated = false;
  CHECK(with_protocol(facts) == "UTF8SMTPS");
}
