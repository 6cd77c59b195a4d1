#include "libcommon/tls/record_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "libcommon/tls/handles.h"
#include "libcommon/tls/library.h"

namespace mailroom::tls {
namespace {

constexpr std::size_t kNonce = 12;  // RFC 8446 5.3: iv_length of all these suites

struct SuiteRow {
  Suite suite;
  std::uint16_t number;
  const char* cipher;
  const char* digest;
  std::size_t key;     // octets
  std::size_t secret;  // octets: the digest's
};
constexpr std::array<SuiteRow, static_cast<std::size_t>(Suite::kLast) + 1> kSuites{{
    {Suite::aes_128_gcm_sha256, 0x1301, "AES-128-GCM", "SHA256", 16, 32},
    {Suite::aes_256_gcm_sha384, 0x1302, "AES-256-GCM", "SHA384", 32, 48},
    {Suite::chacha20_poly1305_sha256, 0x1303, "ChaCha20-Poly1305", "SHA256", 32, 32},
}};

const SuiteRow& row_of(Suite suite) { return kSuites.at(static_cast<std::size_t>(suite)); }

const EVP_CIPHER* cipher_of(Suite suite) {
  static const auto kFetched = [] {
    std::array<EVP_CIPHER*, kSuites.size()> all{};
    std::ranges::transform(kSuites, all.begin(), [](const SuiteRow& row) {
      return EVP_CIPHER_fetch(library(), row.cipher, nullptr);
    });
    return all;
  }();
  return kFetched.at(static_cast<std::size_t>(suite));
}

void require(int outcome) {
  if (outcome != 1) throw std::runtime_error("TLS record protection: " + take_errors());
}

OSSL_PARAM octets(const char* name, std::string_view bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

// HKDF-Expand-Label with an empty context (RFC 8446 7.1).
std::string expand_label(Suite suite, std::string_view secret, std::string_view label, std::size_t size) {
  static EVP_KDF* const kdf = EVP_KDF_fetch(library(), "TLS13-KDF", nullptr);
  const Handle<EVP_KDF_CTX, &EVP_KDF_CTX_free> context{EVP_KDF_CTX_new(kdf)};
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(row_of(suite).digest), 0),
      octets(OSSL_KDF_PARAM_KEY, secret),
      octets(OSSL_KDF_PARAM_PREFIX, "tls13 "),
      octets(OSSL_KDF_PARAM_LABEL, label),
      OSSL_PARAM_construct_end()};
  std::string made(size, '\0');
  require(EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(made.data()), size, params));
  return made;
}

unsigned char* bytes_of(char* text) { return reinterpret_cast<unsigned char*>(text); }
const unsigned char* bytes_of(const char* text) { return reinterpret_cast<const unsigned char*>(text); }

}  // namespace

bool is_well_formed(const RecordState& state) {
  const std::size_t size = row_of(state.suite).secret;
  return state.client_secret.size() == size && state.server_secret.size() == size;
}

std::optional<Suite> suite_of(std::uint16_t number) {
  const auto* found = std::ranges::find(kSuites, number, &SuiteRow::number);
  if (found == kSuites.end()) return {};
  return found->suite;
}

void warm_record_protection(Suite suite) {
  std::string record;
  RecordKey{RecordKey::Use::seal, suite, std::string(row_of(suite).secret, '\0'), 0}.seal(0, "warm-up",
                                                                                          record);
}

void RecordKey::Free::operator()(evp_cipher_ctx_st* context) const noexcept { EVP_CIPHER_CTX_free(context); }

RecordKey::RecordKey(Use use, Suite suite, std::string secret, std::uint64_t sequence)
    : use_{use}, suite_{suite}, secret_{std::move(secret)}, sequence_{sequence}, context_{
                                                                                     EVP_CIPHER_CTX_new()} {
  derive();
}

RecordKey::~RecordKey() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

void RecordKey::derive() {
  std::string key = expand_label(suite_, secret_, "key", row_of(suite_).key);
  iv_ = expand_label(suite_, secret_, "iv", kNonce);
  const int outcome = EVP_CipherInit_ex2(context_.get(), cipher_of(suite_), bytes_of(key.data()), nullptr,
                                         use_ == Use::seal ? 1 : 0, nullptr);
  OPENSSL_cleanse(key.data(), key.size());
  require(outcome);
}

void RecordKey::update() {
  std::string next = expand_label(suite_, secret_, "traffic upd", secret_.size());
  OPENSSL_cleanse(secret_.data(), secret_.size());
  secret_.swap(next);
  sequence_ = 0;
  derive();
}

void RecordKey::begin_record() {
  std::string nonce = iv_;
  for (int i = 0; i < 8; ++i)
    nonce[kNonce - 1 - static_cast<std::size_t>(i)] ^= static_cast<char>(sequence_ >> (8 * i));
  require(EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, bytes_of(nonce.data()), -1, nullptr));
  ++sequence_;
}

void RecordKey::seal(std::uint8_t type, std::string_view content, std::string& out, std::size_t padding) {
  const std::size_t inner = content.size() + 1 + padding;
  const std::size_t body = inner + kAeadTag;
  const std::size_t begin = out.size();
  out.push_back(static_cast<char>(ContentType::application_data));
  out.append("\x03\x03", 2);
  out.push_back(static_cast<char>(body >> 8));
  out.push_back(static_cast<char>(body));
  out.append(content).push_back(static_cast<char>(type));
  out.append(padding + kAeadTag, '\0');
  unsigned char* const record = bytes_of(out.data() + begin);
  int size = 0;
  begin_record();
  EVP_CIPHER_CTX* const context = context_.get();
  require(EVP_CipherUpdate(context, nullptr, &size, record, kRecordHeader));
  require(EVP_CipherUpdate(context, record + kRecordHeader, &size, record + kRecordHeader,
                           static_cast<int>(inner)));
  require(EVP_CipherFinal_ex(context, record + kRecordHeader + inner, &size));
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAeadTag, record + kRecordHeader + inner));
}

std::optional<std::span<char>> RecordKey::open(std::string_view header, std::span<char> body) {
  if (body.size() < kAeadTag) return {};
  const std::size_t inner = body.size() - kAeadTag;
  unsigned char* const text = bytes_of(body.data());
  int size = 0;
  begin_record();
  EVP_CIPHER_CTX* const context = context_.get();
  require(
      EVP_CipherUpdate(context, nullptr, &size, bytes_of(header.data()), static_cast<int>(header.size())));
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAeadTag, text + inner));
  if (EVP_CipherUpdate(context, text, &size, text, static_cast<int>(inner)) != 1 ||
      EVP_CipherFinal_ex(context, text + inner, &size) != 1) {
    take_errors();
    return {};
  }
  return body.first(inner);
}

}  // namespace mailroom::tls
