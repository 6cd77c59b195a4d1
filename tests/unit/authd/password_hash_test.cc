#include "daemons/authd/password_hash.h"

#include <catch2/catch.hpp>

using namespace mailroom::authd;

namespace {

constexpr const char* kSha256 =
    "$5$rounds=1000$saltsaltsaltsalt$wYd0WDLeF2azwHAX40d1O2vcn89WFSxXFzmX1Ppv5U0";  // of "secret"

}  // namespace

TEST_CASE("a new hash is yescrypt, fits its password and no other") {
  const auto hash = make_hash(Secret{"secret"}, 1);
  REQUIRE(hash);
  CHECK(hash->starts_with("$y$"));
  CHECK(is_acceptable_hash(*hash));
  CHECK(matches(Secret{"secret"}, *hash));
  for (const char* wrong : {"", "Secret", "secret ", "secre", "secrets"})
    CHECK_FALSE(matches(Secret{wrong}, *hash));
  CHECK(make_hash(Secret{"secret"}, 1) != hash);
  CHECK_FALSE(make_hash(Secret{"secret"}, 99));
}

TEST_CASE("a password counts to its last octet") {
  const std::string long_password(kMaxHashedPassword, 'x');
  const auto hash = make_hash(Secret{long_password}, 1).value_or("");
  REQUIRE_FALSE(hash.empty());
  CHECK(matches(Secret{long_password}, hash));
  CHECK_FALSE(matches(Secret{long_password.substr(1)}, hash));
  CHECK_FALSE(matches(Secret{long_password + 'x'}, hash));
  CHECK_FALSE(make_hash(Secret{long_password + 'x'}, 1));
}

TEST_CASE("bcrypt does not take a long password for its beginning") {
  // of 72 times "x"
  constexpr const char* kBcrypt = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";
  CHECK(is_acceptable_hash(kBcrypt));
  CHECK(matches(Secret{std::string(72, 'x')}, kBcrypt));
  CHECK_FALSE(matches(Secret{std::string(73, 'x')}, kBcrypt));
}

TEST_CASE("hashes of other systems are taken, weak and broken ones are not") {
  CHECK(is_acceptable_hash(kSha256));
  CHECK(matches(Secret{"secret"}, kSha256));
  CHECK(is_acceptable_hash("$6$saltsalt$" + std::string(86, 'a')));
  for (const std::string& bad :
       {std::string{}, std::string("*"), std::string("!"), std::string("secret"),
        std::string("abJnggxhB/yWI"), "$1$saltsalt$" + std::string(22, 'a'),
        std::string("$5$rounds=1000$saltsaltsaltsalt$"), std::string("$5$saltsaltsaltsalt"),
        "$6$saltsalt$" + std::string(85, 'a'), "$6$saltsalt$" + std::string(86, ':'),
        std::string("{SSHA}abcdef"), "$y$" + std::string(400, 'a'),
        std::string("$9$saltsalt$") + std::string(43, 'a'), std::string("$y$")})
    CHECK_FALSE(is_acceptable_hash(bad));
}

TEST_CASE("a hash that libcrypt refuses fits nothing") {
  CHECK_FALSE(matches(Secret{"secret"}, ""));
  CHECK_FALSE(matches(Secret{"secret"}, "*0"));
  CHECK_FALSE(matches(Secret{"*0"}, "*0"));
  CHECK_FALSE(matches(Secret{"secret"}, "$y$"));
}
