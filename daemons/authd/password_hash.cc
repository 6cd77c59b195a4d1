#include "daemons/authd/password_hash.h"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <memory>

#include "libcommon/sys/random.h"
#include "libcommon/text/ascii.h"

namespace mailroom::authd {
namespace {

struct Method {
  std::string_view prefix;
  std::size_t tail;  // characters behind the last '$'
};

constexpr std::array kMethods{
    Method{"$y$", 43}, Method{"$gy$", 43}, Method{"$7$", 43},  Method{"$6$", 86},
    Method{"$5$", 43}, Method{"$2b$", 53}, Method{"$2a$", 53}, Method{"$2y$", 53},
};

// bcrypt looks at so many octets of a password: a longer one would pass for its beginning.
constexpr std::size_t kBcryptOctets = 72;

static_assert(kMaxHashedPassword == CRYPT_MAX_PASSPHRASE_SIZE - 1);

bool is_hash_character(char c) { return is_alnum(c) || c == '.' || c == '/'; }

// crypt_r with its working memory, which holds traces of the password afterwards.
class Crypt {
 public:
  Crypt() : data_{std::make_unique<crypt_data>()} {}
  ~Crypt() { cleanse(data_.get(), sizeof *data_); }
  Crypt(const Crypt&) = delete;
  Crypt& operator=(const Crypt&) = delete;

  // Empty when the setting is of no use.
  std::string_view operator()(const Secret& password, const char* setting) {
    const char* result = ::crypt_r(password.c_str(), setting, data_.get());
    if (result == nullptr || result[0] == '*') return {};
    return result;
  }

 private:
  std::unique_ptr<crypt_data> data_;
};

}  // namespace

bool is_acceptable_hash(std::string_view hash) {
  const auto* method = std::ranges::find_if(
      kMethods, [&](const Method& candidate) { return hash.starts_with(candidate.prefix); });
  if (method == kMethods.end() || hash.size() > kMaxHash) return false;
  const std::string_view tail = hash.substr(hash.rfind('$') + 1);
  if (tail.size() != method->tail || !std::ranges::all_of(tail, is_hash_character)) return false;
  // "Legacy" is what libxcrypt says of sha256-crypt; kMethods decides what is still good.
  const int verdict = ::crypt_checksalt(std::string{hash}.c_str());
  return verdict == CRYPT_SALT_OK || verdict == CRYPT_SALT_METHOD_LEGACY;
}

bool matches(const Secret& password, const std::string& hash) {
  const std::size_t longest = hash.starts_with("$2") ? kBcryptOctets : kMaxHashedPassword;
  const bool cut = password.size() > longest;  // is hashed all the same, so that it costs what others do
  const Secret hashed{std::string_view{password.c_str(), std::min(password.size(), longest)}};
  Crypt crypt;
  const std::string_view result = crypt(hashed, hash.c_str());
  return !result.empty() && equal_in_constant_time(result, hash) && !cut;
}

std::optional<std::string> make_hash(const Secret& password, std::uint32_t cost) {
  std::array<char, 32> random;
  fill_random(random.data(), random.size());
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  if (::crypt_gensalt_rn("$y$", cost, random.data(), random.size(), setting.data(), setting.size()) ==
      nullptr)
    return std::nullopt;
  Crypt crypt;
  const std::string_view hash = crypt(password, setting.data());
  if (hash.empty()) return std::nullopt;
  return std::string{hash};
}

}  // namespace mailroom::authd
