// Handshakes that are only tried, to explain what would come of them.
#include "libcommon/tls/handshake_trial.h"

#include <catch2/catch.hpp>

#include "libcommon/tls/certificate.h"

using namespace mailroom::tls;

namespace {

ServerSettings settings_of(std::initializer_list<KeyType> keys, const Tolerance& tolerance = {}) {
  ServerSettings settings{.identities = {}, .protocol = "smtp", .tolerance = tolerance};
  for (const KeyType key : keys)
    settings.identities.push_back({{"host.test"}, make_throwaway_identity(key, "host.test").chain_pem});
  return settings;
}

std::string version(const ServerSettings& settings, Version newest,
                    const std::optional<Tolerance>& tolerance = {}) {
  const auto facts = try_handshake(settings, newest, tolerance);
  return facts ? facts->version : facts.error();
}

bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("what a handshake would come to, by the newest version of the client") {
  const auto strict = settings_of({KeyType::ecdsa_p256});
  CHECK(version(strict, Version::tls1_3) == "TLSv1.3");
  CHECK(version(strict, Version::tls1_2) == "TLSv1.2");
  CHECK(has(version(strict, Version::tls1_1),
            "client offers at most TLS 1.1, needed is TLS 1.2; its suites: "));
  CHECK(has(version(strict, Version::tls1_0), "client offers at most TLS 1.0, needed is TLS 1.2"));
  const auto modern = settings_of({KeyType::rsa}, {.oldest = Version::tls1_3});
  CHECK(version(modern, Version::tls1_3) == "TLSv1.3");
  CHECK(has(version(modern, Version::tls1_2), "needed is TLS 1.3"));
}

TEST_CASE("an old version works with old suites and an RSA key alone, as for real") {
  const Tolerance old{.oldest = Version::tls1_0, .old_ciphers = true};
  CHECK(version(settings_of({KeyType::rsa}, old), Version::tls1_0) == "TLSv1");
  CHECK(version(settings_of({KeyType::ecdsa_p256, KeyType::rsa}, old), Version::tls1_1) == "TLSv1.1");
  CHECK(has(version(settings_of({KeyType::ecdsa_p256}, old), Version::tls1_0), "no signature"));
  const Tolerance halfway{.oldest = Version::tls1_0};
  CHECK_FALSE(has(version(settings_of({KeyType::rsa}, halfway), Version::tls1_0), "TLSv1"));
}

TEST_CASE("what one connection tolerates stands in place of the listener's rules") {
  const Tolerance old{.oldest = Version::tls1_0, .old_ciphers = true};
  CHECK(version(settings_of({KeyType::rsa}), Version::tls1_0, old) == "TLSv1");
  CHECK(has(version(settings_of({KeyType::rsa}, old), Version::tls1_0, Tolerance{}), "needed is TLS 1.2"));
}
