// Digests and keys.
#include <catch2/catch.hpp>

#include "libcommon/tls/digest.h"
#include "libcommon/tls/key.h"

using namespace mailroom;
using namespace mailroom::tls;

namespace {

std::string hex(const Sha256Digest& digest) {
  std::string text;
  for (const unsigned octet : digest) {
    text += "0123456789abcdef"[octet >> 4];
    text += "0123456789abcdef"[octet & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("SHA-256, whole and in pieces") {
  // FIPS 180-2, appendix B
  CHECK(hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 pieces;
  for (int round = 0; round < 2; ++round) {  // finish() begins anew
    pieces.update("a");
    pieces.update("");
    pieces.update("bc");
    CHECK(pieces.finish() == sha256("abc"));
  }
}

TEST_CASE("comparison in constant time is comparison") {
  CHECK(equal_in_constant_time("abc", "abc"));
  CHECK_FALSE(equal_in_constant_time("abc", "abd"));
  CHECK_FALSE(equal_in_constant_time("abc", "ab"));
  CHECK(equal_in_constant_time("", ""));
}

TEST_CASE("a key is the same after PEM, and makes the signatures of its type") {
  const KeyType type = GENERATE(KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa);
  const PrivateKey made = PrivateKey::generate(type);
  const auto read = PrivateKey::parse("some text\n" + made.pem());
  REQUIRE(read);
  CHECK(read->id() == made.id());
  CHECK(read->type() == type);
  for (int i = 0; i <= static_cast<int>(SignatureScheme::kLast); ++i) {
    const auto scheme = static_cast<SignatureScheme>(i);
    CHECK(read->sign(scheme, "message").empty() != scheme_fits(scheme, type));
  }
}

TEST_CASE("what is no usable key is said in words") {
  const auto trouble = [](std::string_view pem) {
    const auto key = PrivateKey::parse(pem);
    return key ? "nothing" : key.error();
  };
  CHECK(trouble("").starts_with("not an unencrypted private key in PEM form"));
  CHECK(trouble("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
            .starts_with("not an unencrypted private key in PEM form"));
  // openssl genpkey -algorithm ed25519
  CHECK(trouble("-----BEGIN PRIVATE KEY-----\n"
                "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                "-----END PRIVATE KEY-----\n") == "a key must be ECDSA on P-256 or P-384, or RSA");
}
