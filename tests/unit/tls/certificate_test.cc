// Certificate chains, and the keys that belong to them.
#include "libcommon/tls/certificate.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/unit/tls/test_authority.h"

using namespace mailroom;
using namespace mailroom::tls;

namespace {

Fd file_with(const std::string& content) {
  Fd file{::memfd_create("key", MFD_CLOEXEC)};
  REQUIRE(::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  return file;
}

}  // namespace

TEST_CASE("a chain knows its key, names and lifetime; a foreign key does not belong to it") {
  const ThrowawayIdentity identity = make_throwaway_identity(KeyType::ecdsa_p256, "mail.example");
  const auto chain = CertificateChain::parse(identity.chain_pem);
  REQUIRE(chain);
  CHECK(chain->key() == identity.key.id());
  CHECK(chain->key_type() == KeyType::ecdsa_p256);
  CHECK(chain->covers("mail.example"));
  CHECK_FALSE(chain->covers("other.example"));
  CHECK(chain->not_after() > std::chrono::system_clock::now() + std::chrono::days{6});
  CHECK(read_identity(identity.chain_pem, file_with(identity.key.pem())));
  const auto foreign =
      read_identity(identity.chain_pem, file_with(PrivateKey::generate(KeyType::ecdsa_p256).pem()));
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error() == "the private key is not the certificate's");
}

TEST_CASE("a chain that OpenSSL would show nobody is no chain") {
  const auto trouble = [](const std::string& pem) {
    const auto chain = CertificateChain::parse(pem);
    return chain ? "nothing" : chain.error();
  };
  const Identity root = self_signed({.common_name = "root", .authority = true, .digest = "SHA1"});
  const Identity between = signed_by(root, {.common_name = "between", .authority = true});
  CHECK(trouble(signed_by(between, {}).pem() + between.pem() + root.pem()) == "nothing");
  CHECK(trouble(signed_by(root, {.digest = "SHA1"}).pem()) ==
        "number 1 of the chain: it is signed with a digest that is too weak");
  const Identity weak = signed_by(root, {.common_name = "weak", .authority = true, .digest = "SHA1"});
  CHECK(trouble(signed_by(weak, {}).pem() + weak.pem()) ==
        "number 2 of the chain: it is signed with a digest that is too weak");
  const Identity small = signed_by(root, {.common_name = "small", .authority = true, .key = "prime192v1"});
  CHECK(trouble(signed_by(small, {}).pem() + small.pem()) ==
        "number 2 of the chain: the public key is too weak");
  CHECK(trouble(signed_by(root, {}).pem() + between.pem()).starts_with("certificates out of order"));
  CHECK(trouble("") == "no certificate in it");
}

TEST_CASE("a key file that cannot be read, or is too long, is no key") {
  const ThrowawayIdentity identity = make_throwaway_identity(KeyType::ecdsa_p256, "mail.example");
  const auto trouble = [&](const Fd& file) {
    const auto own = read_identity(identity.chain_pem, file);
    return own ? "nothing" : own.error();
  };
  CHECK(trouble(Fd{}).starts_with("the private key's file cannot be read"));
  CHECK(trouble(file_with(identity.key.pem() + std::string(kMaxKeyFile, '\n'))).ends_with("or is too long"));
  CHECK(trouble(file_with("")).starts_with("private key: "));
}
