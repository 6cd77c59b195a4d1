#include <catch2/catch.hpp>

#include <string>

#include "libcommon/protocol/sasl/login.h"
#include "libcommon/protocol/sasl/plain.h"
#include "libcommon/protocol/sasl/utf8.h"

using namespace mailroom;
using namespace mailroom::sasl;
using namespace std::string_literals;
using namespace std::string_view_literals;

TEST_CASE("PLAIN takes its three fields") {
  const auto taken = parse_plain("act\0user@example.org\0p w\xc3\xa4"sv);
  REQUIRE(taken);
  CHECK(taken->authzid == "act");
  CHECK(taken->authcid == "user@example.org");
  CHECK(taken->password == "p w\xc3\xa4");
  CHECK(parse_plain("\0u\0p"sv)->authzid.empty());
}

TEST_CASE("PLAIN with fewer than two NULs is malformed") {
  for (const auto message : {""sv, "u"sv, "u\0p"sv, "\0"sv}) {
    CHECK(parse_plain(message).error() == Fault::malformed);
  }
}

TEST_CASE("PLAIN that no account can have is never valid") {
  CHECK(parse_plain("\0\0p"sv).error() == Fault::never_valid);
  CHECK(parse_plain("\0u\0"sv).error() == Fault::never_valid);
  CHECK(parse_plain("\0u\0\0"sv).error() == Fault::never_valid);
  CHECK(parse_plain("\0a\0pw\0x"sv).error() == Fault::never_valid);
  CHECK(parse_plain("\0a\tb\0pw"sv).error() == Fault::never_valid);
  CHECK(parse_plain("\0a\nb\0pw"sv).error() == Fault::never_valid);
  CHECK(parse_plain("a\rb\0u\0pw"sv).error() == Fault::never_valid);
  CHECK(parse_plain("\0\xff\0pw"sv).error() == Fault::never_valid);
}

TEST_CASE("PLAIN bounds names and passwords") {
  const auto message = [](std::size_t name, std::size_t password) {
    return "\0"s + std::string(name, 'u') + "\0"s + std::string(password, 'p');
  };
  CHECK(parse_plain(message(kMaxName, kMaxPassword)));
  CHECK(parse_plain(message(kMaxName + 1, 1)).error() == Fault::never_valid);
  CHECK(parse_plain(message(1, kMaxPassword + 1)).error() == Fault::never_valid);
  CHECK(parse_plain(message(1, 1 << 20)).error() == Fault::never_valid);
}

TEST_CASE("LOGIN asks for name and password") {
  LoginServer server;
  CHECK(std::get<std::string_view>(server.start(std::nullopt)) == "Username:");
  auto step = server.respond("user");
  REQUIRE(step);
  CHECK(std::get<std::string_view>(*step) == "Password:");
  step = server.respond("secret");
  REQUIRE(step);
  const auto& credentials = std::get<Credentials>(*step);
  CHECK(credentials.authzid.empty());
  CHECK(credentials.authcid == "user");
  CHECK(credentials.password == "secret");
  CHECK(server.respond("more").error() == Fault::malformed);
}

TEST_CASE("LOGIN takes an initial response as the name") {
  LoginServer server;
  CHECK(std::get<std::string_view>(server.start("user"sv)) == "Password:");
  CHECK(std::get<Credentials>(*server.respond("secret")).authcid == "user");
  LoginServer empty;
  CHECK(std::get<std::string_view>(empty.start(""sv)) == "Username:");
}

TEST_CASE("LOGIN tells of an impossible name only after the password") {
  for (const auto name : {""sv, "a\0b"sv, "a\nb"sv, "\xc0\xaf"sv}) {
    LoginServer server;
    (void)server.start(std::nullopt);
    const auto step = server.respond(name);
    REQUIRE(step);
    CHECK(std::get<std::string_view>(*step) == "Password:");
    CHECK(server.respond("secret").error() == Fault::never_valid);
  }
  LoginServer server;
  (void)server.start("user"sv);
  CHECK(server.respond("a\0b"sv).error() == Fault::never_valid);
}

TEST_CASE("UTF-8 is in its shortest form, without surrogates, up to U+10FFFF") {
  for (const auto good : {""sv, "a"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv,
                          "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv}) {
    CHECK(is_utf8(good));
  }
  for (const auto bad :
       {"\x80"sv, "\xc0\xaf"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2\x41"sv, "\xe0\x9f\xbf"sv, "\xed\xa0\x80"sv,
        "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xe2\x82"sv, "\xff"sv}) {
    CHECK_FALSE(is_utf8(bad));
  }
}
