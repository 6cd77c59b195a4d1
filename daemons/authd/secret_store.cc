#include "daemons/authd/secret_store.h"

#include "libcommon/sys/random.h"
#include "libcommon/tls/digest.h"
#include "spool/state/directory.h"
#include "spool/state/record.h"

namespace mailroom::authd {
namespace {

constexpr std::uint64_t kMapSize = std::uint64_t{1} << 30;  // sparse; some million hashes
constexpr std::uint32_t kFormat = 1;
constexpr std::string_view kFormatKey = "format", kStandInKey = "stand-in", kNameKey = "name-key";
constexpr std::size_t kNameKeySize = 32;

template <typename T>
T value_of(std::string_view key, std::string_view record) {
  auto value = state::decode_record<T>(key, record);
  if (!value) throw state::Damaged("a record of the password hashes is damaged");
  return std::move(*value);
}

bool is_possible_key(std::string_view name) { return !name.empty() && name.size() <= lmdb::kMaxKey; }

}  // namespace

SecretStore::SecretStore(const std::string& path)
    : env_{lmdb::Env::open({.path = path, .map_size = kMapSize})} {
  auto txn = env_.write();
  meta_ = txn.database("meta", lmdb::Txn::Create::yes);
  secrets_ = txn.database("secrets", lmdb::Txn::Create::yes);
  passwords_ = txn.database("passwords", lmdb::Txn::Create::yes);
  credentials_ = txn.database("credentials", lmdb::Txn::Create::yes);
  if (const auto format = txn.get(meta_, kFormatKey)) {
    if (value_of<std::uint32_t>(kFormatKey, *format) != kFormat)
      throw state::Damaged("the password hashes are of another version of this program");
  } else {
    txn.put(meta_, kFormatKey, state::encode_record(kFormatKey, kFormat));
  }
  if (const auto key = txn.get(meta_, kNameKey)) {
    name_key_ = value_of<std::string>(kNameKey, *key);
  } else {
    name_key_.resize(kNameKeySize);
    fill_random(name_key_.data(), name_key_.size());
    txn.put(meta_, kNameKey, state::encode_record(kNameKey, name_key_));
  }
  txn.commit();
}

bool SecretStore::has_stand_in() { return env_.read().get(meta_, kStandInKey).has_value(); }

void SecretStore::put_stand_in(const std::string& hash) {
  auto txn = env_.write();
  txn.put(meta_, kStandInKey, state::encode_record(kStandInKey, hash));
  txn.commit();
}

std::optional<std::string> SecretStore::hash_of(std::string_view name) {
  if (!is_possible_key(name)) return std::nullopt;
  const auto txn = env_.read();
  const auto record = txn.get(secrets_, name);
  if (!record) return std::nullopt;
  return value_of<std::string>(name, *record);
}

std::string SecretStore::stand_in_for(std::string_view name) {
  auto txn = env_.read();
  lmdb::Cursor cursor{txn, secrets_};
  if (cursor.seek(name) || cursor.last()) {
    auto secret = value_of<std::string>(cursor.key(), cursor.value());
    if (!is_kerberos_secret(secret)) return secret;
  }
  const auto record = txn.get(meta_, kStandInKey);
  if (!record) throw state::Damaged("the stand-in hash is gone");
  return value_of<std::string>(kStandInKey, *record);
}

std::optional<PasswordFacts> SecretStore::facts_of(std::string_view name) {
  if (!is_possible_key(name)) return std::nullopt;
  const auto txn = env_.read();
  const auto record = txn.get(passwords_, name);
  if (!record) return std::nullopt;
  return value_of<PasswordFacts>(name, *record);
}

void SecretStore::put(lmdb::Txn& txn, lmdb::Dbi database, std::string_view name, std::string&& record) {
  txn.put(database, name, record);
  cleanse(record.data(), record.size());
}

std::vector<std::string> SecretStore::set(const std::vector<StoredSecret>& secrets) {
  std::vector<std::string> replaced;
  auto txn = env_.write();
  for (const auto& [name, hash, facts] : secrets) {
    if (txn.get(secrets_, name)) replaced.push_back(name);
    put(txn, secrets_, name, state::encode_record(name, hash));
    put(txn, passwords_, name, state::encode_record(name, facts));
  }
  txn.commit();
  return replaced;
}

void SecretStore::add_facts(const StoredSecret& secret) {
  auto txn = env_.write();
  const auto record = txn.get(secrets_, secret.name);
  if (!record || value_of<std::string>(secret.name, *record) != secret.hash) return;
  put(txn, passwords_, secret.name, state::encode_record(secret.name, secret.facts));
  txn.commit();
}

bool SecretStore::remove(std::string_view name) {
  if (!is_possible_key(name)) return false;
  auto txn = env_.write();
  const bool was_there = txn.erase(secrets_, name);
  txn.erase(passwords_, name);
  txn.commit();
  return was_there;
}

// ---- credentials

std::optional<StoredCredentials> SecretStore::credentials_of(std::string_view domain) {
  if (!is_possible_key(domain)) return std::nullopt;
  const auto txn = env_.read();
  const auto record = txn.get(credentials_, domain);
  if (!record) return std::nullopt;
  return value_of<StoredCredentials>(domain, *record);
}

void SecretStore::set_credentials(std::string_view domain, const StoredCredentials& credentials) {
  auto txn = env_.write();
  put(txn, credentials_, domain, state::encode_record(domain, credentials));
  txn.commit();
}

bool SecretStore::remove_credentials(std::string_view domain) {
  if (!is_possible_key(domain)) return false;
  auto txn = env_.write();
  const bool was_there = txn.erase(credentials_, domain);
  txn.commit();
  return was_there;
}

CredentialPage SecretStore::list_credentials(const std::string& after) {
  CredentialPage page;
  auto txn = env_.read();
  lmdb::Cursor cursor{txn, credentials_};
  bool there = after.empty() ? cursor.first() : cursor.seek(after);
  if (there && cursor.key() == after) there = cursor.next();
  for (; there && page.credentials.size() < kCredentialPageSize; there = cursor.next()) {
    auto stored = value_of<StoredCredentials>(cursor.key(), cursor.value());
    cleanse(stored.password.data(), stored.password.size());
    page.credentials.push_back({std::string{cursor.key()}, std::move(stored.target), std::move(stored.user)});
  }
  page.last = !there;
  return page;
}

}  // namespace mailroom::authd
