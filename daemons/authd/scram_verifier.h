// What authd keeps of a password for SCRAM (RFC 5802 section 3): enough to check a proof of it, not to give
// one.
//
// The salt of a name is the same for ever, and is there for every name that could be an account's: whoever
// asks learns neither that there is such an account nor that its password was changed (SECURITY.md V13).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "daemons/authd/secret.h"
#include "libcommon/tls/keyed_digest.h"

namespace mailroom::authd {

// RFC 7677 section 4 asks for at least 4,096.  One number for all, since a name's own would say that it is an
// account's.  20 to 30 ms of a client's time.
inline constexpr std::uint32_t kScramIterations = 32'768;

struct ScramVerifier {
  std::string salt;
  std::uint32_t iterations = 0;
  std::string stored_key;
  std::string server_key;
  static auto fields(auto& m) { return std::tie(m.salt, m.iterations, m.stored_key, m.server_key); }
};

// One for each hash function.
struct ScramVerifiers {
  ScramVerifier sha1;
  ScramVerifier sha256;

  const ScramVerifier& of(Hash hash) const { return hash == Hash::sha1 ? sha1 : sha256; }
  static auto fields(auto& m) { return std::tie(m.sha1, m.sha256); }
};

// `key` is this installation's (SecretStore::name_key); `name` as failures of it are counted, one for all
// spellings.
std::string scram_salt(std::string_view key, Hash hash, std::string_view name);

// Slow: called in the threads of event::ThreadPool only.  Nothing for a password that SASLprep does not
// allow: no client could prove it.
std::optional<ScramVerifiers> make_scram_verifiers(const Secret& password, std::string_view key,
                                                   std::string_view name);

// For a name without one: the salt that it would have, and keys that no password has.
ScramVerifier scram_stand_in(std::string_view key, Hash hash, std::string_view name);

}  // namespace mailroom::authd
