// mr-account speaks to authd about secrets, and mr-credential about credentials for other hosts, on its
// control socket (0600, root's): one request, one answer.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "daemons/channels/tools_policyd.h"
#include "libcommon/routing/fixed_route.h"

namespace mailroom {

struct SetPassword {  // hashed by authd; in clear only here
  static constexpr bool kHoldsSecret = true;
  std::string name;
  std::string password;
  static auto fields(auto& m) { return std::tie(m.name, m.password); }
};
struct HashedSecret {
  std::string name;
  std::string hash;  // crypt(5): yescrypt, gost-yescrypt, scrypt, bcrypt, sha512-crypt, sha256-crypt; or
                     // "krb5:" and a principal: the password is a KDC's
  static auto fields(auto& m) { return std::tie(m.name, m.hash); }
};
struct SetHashes {  // all or none
  std::vector<HashedSecret> secrets;
  static auto fields(auto& m) { return std::tie(m.secrets); }
};
struct RemoveSecret {  // also Done when there was none
  std::string name;
  static auto fields(auto& m) { return std::tie(m.name); }
};
struct DescribeSecret {  // answered by SecretFacts
  std::string name;
  static auto fields(auto& m) { return std::tie(m.name); }
};
using SecretRequest = std::variant<SetPassword, SetHashes, RemoveSecret, DescribeSecret>;

// What this system proves to another host is its own, in clear: it cannot be a hash.
struct SetCredentials {
  std::string domain;  // of the route
  std::string target;  // routing::fixed_target: handed out for this host only
  std::string user;
  std::string password;
  static constexpr bool kHoldsSecret = true;
  static auto fields(auto& m) { return std::tie(m.domain, m.target, m.user, m.password); }
};
struct RemoveCredentials {  // also Done when there were none
  std::string domain;
  static auto fields(auto& m) { return std::tie(m.domain); }
};
struct ListCredentials {
  std::string after;  // a domain; empty: from the beginning
  static auto fields(auto& m) { return std::tie(m.after); }
};
using CredentialRequest = std::variant<SetCredentials, RemoveCredentials, ListCredentials>;
using ToolToAuthd = std::variant<SecretRequest, CredentialRequest>;

inline constexpr std::size_t kCredentialPageSize = 50;
struct CredentialFacts {
  std::string domain;
  std::string target;
  std::string user;
  static auto fields(auto& m) { return std::tie(m.domain, m.target, m.user); }
};
struct CredentialPage {
  std::vector<CredentialFacts> credentials;
  bool last = false;
  static auto fields(auto& m) { return std::tie(m.credentials, m.last); }
};
enum class SecretKind : std::uint8_t { none, password, kerberos, kLast = kerberos };
struct SecretFacts {
  SecretKind kind = SecretKind::none;
  std::uint64_t changed = 0;  // seconds since 1970; 0: not known
  std::uint64_t expires = 0;  // 0: never
  bool scram = false;         // SCRAM can prove it
  static auto fields(auto& m) { return std::tie(m.kind, m.changed, m.expires, m.scram); }
};
using AuthdToTool = std::variant<Done, ToolRefused, CredentialPage, SecretFacts>;

}  // namespace mailroom
