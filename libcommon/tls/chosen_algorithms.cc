#include "libcommon/tls/chosen_algorithms.h"

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace mailroom::tls {
namespace {

constexpr const char* kName = "mailroom-chosen";

// By the first of their names; of a key all that is done with it: its management, signatures, exchange, and
// its forms in files.
constexpr std::string_view kChosen[] = {
    // SHA-1 and MD5 are of TLS 1.1 and before, and of old certificates.
    "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512", "SHA1", "MD5", "MD5-SHA1", "SHAKE-256",
    // CTR and ECB are of the random number generator.
    "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-128-CBC", "AES-256-CBC", "AES-256-CTR",
    "AES-256-ECB", "CTR-DRBG", "SEED-SRC", "HMAC", "HKDF", "TLS13-KDF", "TLS1-PRF", "PBKDF2", "EC", "ECDH",
    "ECDSA", "X25519", "X448", "ED25519", "ED448", "RSA", "RSA-PSS", "DH", "DHX",
    "DER"};  // what is around a key in a file

bool is_chosen(const OSSL_ALGORITHM& algorithm) {
  const std::string_view names = algorithm.algorithm_names;
  return std::ranges::find(kChosen, names.substr(0, names.find(':'))) != std::end(kChosen);
}

// What the default provider has said of itself.
struct DefaultProvider {
  void* context = nullptr;
  const OSSL_DISPATCH* functions = nullptr;
};
DefaultProvider whole;
std::array<std::vector<OSSL_ALGORITHM>, OSSL_OP__HIGHEST + 1> chosen;  // by operation

void (*function_of_default(int id))() {
  const OSSL_DISPATCH* row = whole.functions;
  while (row->function_id != 0 && row->function_id != id) ++row;
  return row->function;
}

void choose() {
  const auto query = reinterpret_cast<OSSL_FUNC_provider_query_operation_fn*>(
      function_of_default(OSSL_FUNC_PROVIDER_QUERY_OPERATION));
  for (int operation = 1; operation <= OSSL_OP__HIGHEST; ++operation) {
    auto& list = chosen.at(static_cast<std::size_t>(operation));
    int no_cache = 0;
    const OSSL_ALGORITHM* each = query(whole.context, operation, &no_cache);
    for (; each != nullptr && each->algorithm_names != nullptr; ++each)
      if (is_chosen(*each)) list.push_back(*each);
    if (!list.empty()) list.push_back({nullptr, nullptr, nullptr, nullptr});
  }
}

const OSSL_ALGORITHM* query_chosen(void*, int operation, int* no_cache) {
  *no_cache = 0;
  if (operation < 1 || operation > OSSL_OP__HIGHEST) return nullptr;
  const auto& list = chosen.at(static_cast<std::size_t>(operation));
  return list.empty() ? nullptr : list.data();
}

int init_chosen(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** out, void** context) {
  static const OSSL_DISPATCH kFunctions[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(query_chosen)},
      {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, function_of_default(OSSL_FUNC_PROVIDER_GET_CAPABILITIES)},
      {0, nullptr}};
  *out = kFunctions;
  *context = whole.context;
  return 1;
}

}  // namespace

bool add_chosen_algorithms(OSSL_LIB_CTX* library) {
  OSSL_PROVIDER* const provider = OSSL_PROVIDER_load(library, "default");
  if (provider == nullptr) return false;
  // It is unloaded so that its whole list is out of the way.  An algorithm that somebody holds can be used
  // after that, with all that its provider needs for it: this one, of a kind with few, is held for ever.
  static EVP_ASYM_CIPHER* const held = EVP_ASYM_CIPHER_fetch(library, "RSA", nullptr);
  if (held == nullptr) return false;
  whole = {OSSL_PROVIDER_get0_provider_ctx(provider), OSSL_PROVIDER_get0_dispatch(provider)};
  choose();
  return OSSL_PROVIDER_add_builtin(library, kName, init_chosen) == 1 &&
         OSSL_PROVIDER_load(library, kName) != nullptr && OSSL_PROVIDER_unload(provider) == 1;
}

}  // namespace mailroom::tls
