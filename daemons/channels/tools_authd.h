// mr-account speaks to authd about secrets, on its control socket (0600, root's): one request, one answer.
#pragma once

#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "daemons/channels/tools_policyd.h"

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
using ToolToAuthd = std::variant<SetPassword, SetHashes, RemoveSecret>;
using AuthdToTool = std::variant<Done, ToolRefused>;

}  // namespace mailroom
