// The password hashes of this installation, and what it proves itself to other hosts with: one LMDB
// environment of authd alone, 0700.
//
//   meta         "format"    u32, 1
//                "stand-in"  string: a hash of nothing that anybody knows, made at first start
//                "name-key"  string: random, made at first start; what names without a password answer by
//   secrets      name        string: the hash, or "krb5:" and the principal whose password it is
//   passwords    name        PasswordFacts: when the secret was set, and its verifiers; may be missing
//   credentials  domain      of a route: target, user, password (StoredCredentials)
//
// Values are records of spool/state/record.h, so that a damaged or moved one is never used.  Failures throw
// lmdb::Error; damage throws state::Damaged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "daemons/authd/scram_verifier.h"
#include "daemons/channels/tools_authd.h"
#include "libcommon/lmdb/lmdb.h"

namespace mailroom::authd {

struct StoredCredentials {
  std::string target;  // routing::fixed_target
  std::string user;
  std::string password;
  static auto fields(auto& m) { return std::tie(m.target, m.user, m.password); }
};

struct PasswordFacts {
  std::uint64_t changed = 0;            // seconds since 1970
  std::optional<ScramVerifiers> scram;  // none: of a Kerberos password, or of one that came as a hash
  static auto fields(auto& m) { return std::tie(m.changed, m.scram); }
};

struct StoredSecret {
  std::string name;
  std::string hash;
  PasswordFacts facts;
};

// An account whose password is a KDC's has this and its principal in place of a hash.
inline constexpr std::string_view kKerberosMark = "krb5:";
inline bool is_kerberos_secret(std::string_view secret) { return secret.starts_with(kKerberosMark); }

class SecretStore {
 public:
  // Opens or makes it.  `make_stand_in` is asked when there is none yet.
  template <typename Make>
  static SecretStore open(const std::string& path, Make make_stand_in) {
    SecretStore store{path};
    if (!store.has_stand_in()) store.put_stand_in(make_stand_in());
    return store;
  }

  std::optional<std::string> hash_of(std::string_view name);

  // What to check the password of an unknown name against, in vain: the hash of the account that would stand
  // next to the name, so that unknown names cost what known ones do, whatever methods are in use; the
  // stand-in while there are none.
  std::string stand_in_for(std::string_view name);

  std::optional<PasswordFacts> facts_of(std::string_view name);

  // 32 random octets of this installation, for scram_verifier.h.
  const std::string& name_key() const { return name_key_; }

  // All are durable when it returns.  Gives the names that had another secret before.
  std::vector<std::string> set(const std::vector<StoredSecret>& secrets);

  // Adds facts to a secret that is still the same.  Durable when it returns.
  void add_facts(const StoredSecret& secret);

  // Durable when it returns; false when there was none.
  bool remove(std::string_view name);

  // ---- credentials, by the domain of the route

  std::optional<StoredCredentials> credentials_of(std::string_view domain);
  // Durable when they return; remove_credentials: false when there were none.
  void set_credentials(std::string_view domain, const StoredCredentials& credentials);
  bool remove_credentials(std::string_view domain);
  // One page of them, without passwords, of domains after `after`.
  CredentialPage list_credentials(const std::string& after);

 private:
  explicit SecretStore(const std::string& path);
  bool has_stand_in();
  void put_stand_in(const std::string& hash);
  static void put(lmdb::Txn& txn, lmdb::Dbi database, std::string_view name, std::string&& record);

  lmdb::Env env_;
  lmdb::Dbi meta_;
  lmdb::Dbi secrets_;
  lmdb::Dbi passwords_;
  lmdb::Dbi credentials_;
  std::string name_key_;
};

}  // namespace mailroom::authd
