#include "daemons/authd/scram_verifier.h"

#include "libcommon/text/saslprep.h"

namespace mailroom::authd {
namespace {

constexpr std::size_t kSaltSize = 16;

std::string derive(std::string_view key, std::string_view purpose, Hash hash, std::string_view name) {
  std::string about{purpose};
  about.append(1, '\0').append(1, hash == Hash::sha1 ? '1' : '2').append(name);
  return hmac(Hash::sha256, key, about);
}

// RFC 5802 section 3.
ScramVerifier make_verifier(Hash hash, std::string_view password, std::string salt) {
  std::string salted = pbkdf2(hash, password, salt, kScramIterations);
  std::string client_key = hmac(hash, salted, "Client Key");
  ScramVerifier verifier{std::move(salt), kScramIterations, digest(hash, client_key),
                         hmac(hash, salted, "Server Key")};
  wipe(salted);
  wipe(client_key);
  return verifier;
}

}  // namespace

std::string scram_salt(std::string_view key, Hash hash, std::string_view name) {
  return derive(key, "salt", hash, name).substr(0, kSaltSize);
}

std::optional<ScramVerifiers> make_scram_verifiers(const Secret& password, std::string_view key,
                                                   std::string_view name) {
  auto prepared = saslprep({password.c_str(), password.size()});
  if (!prepared || prepared->empty()) return std::nullopt;
  ScramVerifiers verifiers;
  verifiers.sha1 = make_verifier(Hash::sha1, *prepared, scram_salt(key, Hash::sha1, name));
  verifiers.sha256 = make_verifier(Hash::sha256, *prepared, scram_salt(key, Hash::sha256, name));
  wipe(*prepared);
  return verifiers;
}

ScramVerifier scram_stand_in(std::string_view key, Hash hash, std::string_view name) {
  return {scram_salt(key, hash, name), kScramIterations,
          derive(key, "stored key", hash, name).substr(0, size_of(hash)),
          derive(key, "server key", hash, name).substr(0, size_of(hash))};
}

}  // namespace mailroom::authd
