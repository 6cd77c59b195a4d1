#include "libcommon/tls/remote_key.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include <cstring>
#include <optional>

#include "libcommon/tls/library.h"

namespace mailroom::tls {
namespace {

constexpr const char* kProperty = "provider=mailroom-remote-key";
// Carries the address of a SignerSlot from make_remote_key() to import_key().
constexpr const char* kSlotParameter = "mailroom-signer-slot";

// ---- Key management: what OSSL_OP_KEYMGMT calls a key.

struct RemoteKey {
  PkeyHandle public_key;  // the default provider's; answers for sizes and groups
  KeyId id{};
  KeyType type{};
  SignerSlot* slot = nullptr;  // null in copies that OpenSSL makes to compare keys: they cannot sign
};

RemoteKey* key_of(void* data) { return static_cast<RemoteKey*>(data); }
const RemoteKey* key_of(const void* data) { return static_cast<const RemoteKey*>(data); }

void* new_key(void*) { return new RemoteKey; }
void free_key(void* data) { delete key_of(data); }
int has_parts(const void* data, int) { return key_of(data)->public_key ? 1 : 0; }
int match(const void* a, const void* b, int) {
  return EVP_PKEY_eq(key_of(a)->public_key.get(), key_of(b)->public_key.get()) == 1 ? 1 : 0;
}

SignerSlot* slot_in(const OSSL_PARAM* params) {
  SignerSlot* slot = nullptr;
  const OSSL_PARAM* found = OSSL_PARAM_locate_const(params, kSlotParameter);
  if (found != nullptr && found->data_size == sizeof slot) std::memcpy(&slot, found->data, sizeof slot);
  return slot;
}

int import_as(const char* algorithm, RemoteKey& key, const OSSL_PARAM* params) {
  const PkeyContextHandle context{EVP_PKEY_CTX_new_from_name(library(), algorithm, "provider=default")};
  EVP_PKEY* made = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(params)) != 1)
    return 0;
  key.public_key.reset(made);
  key.slot = slot_in(params);
  const auto type = key_type(made);
  if (!type) return 0;
  key.type = *type;
  key.id = key_id(made);
  return 1;
}

int import_ec(void* data, int, const OSSL_PARAM* params) { return import_as("EC", *key_of(data), params); }
int import_rsa(void* data, int, const OSSL_PARAM* params) { return import_as("RSA", *key_of(data), params); }

// Saying yes to a selection with the private key would make OpenSSL sign with the public copy it gets.
int export_key(void* data, int selection, OSSL_CALLBACK* take, void* argument) {
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) return 0;
  OSSL_PARAM* params = nullptr;
  if (EVP_PKEY_todata(key_of(data)->public_key.get(), EVP_PKEY_PUBLIC_KEY, &params) != 1) return 0;
  const ParamsHandle owner{params};
  return take(params, argument);
}

const OSSL_PARAM* ec_types(int) {
  static const OSSL_PARAM kTypes[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
                                      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
                                      OSSL_PARAM_octet_string(kSlotParameter, nullptr, 0), OSSL_PARAM_END};
  return kTypes;
}
const OSSL_PARAM* rsa_types(int) {
  static const OSSL_PARAM kTypes[] = {OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
                                      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
                                      OSSL_PARAM_octet_string(kSlotParameter, nullptr, 0), OSSL_PARAM_END};
  return kTypes;
}

int get_key_params(void* data, OSSL_PARAM* params) {
  return EVP_PKEY_get_params(key_of(data)->public_key.get(), params);
}
const OSSL_PARAM* gettable_key_params(void*) {
  static const OSSL_PARAM kGettable[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr), OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0), OSSL_PARAM_END};
  return kGettable;
}

const char* ec_operation(int) { return "ECDSA"; }
const char* rsa_operation(int) { return "RSA"; }

// ---- Signatures.

struct Signing {
  const RemoteKey* key = nullptr;
  std::string digest;
  Padding padding = Padding::pkcs1;  // OpenSSL's own default for RSA
};

Signing* signing_of(void* data) { return static_cast<Signing*>(data); }

void* new_signing(void*, const char*) { return new Signing; }
void free_signing(void* data) { delete signing_of(data); }

// OpenSSL says the padding sometimes as a number and sometimes as a word.
int set_padding(Signing& signing, const OSSL_PARAM& param) {
  if (param.data_type == OSSL_PARAM_UTF8_STRING) {
    const char* word = static_cast<const char*>(param.data);
    if (std::strcmp(word, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
      signing.padding = Padding::pss;
    else if (std::strcmp(word, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0)
      signing.padding = Padding::pkcs1;
    else
      return 0;
    return 1;
  }
  int number = 0;
  if (OSSL_PARAM_get_int(&param, &number) != 1) return 0;
  if (number != RSA_PKCS1_PSS_PADDING && number != RSA_PKCS1_PADDING) return 0;
  signing.padding = number == RSA_PKCS1_PSS_PADDING ? Padding::pss : Padding::pkcs1;
  return 1;
}

// The salt's length and MGF1's digest follow from the scheme (RFC 8446 4.2.3), so only the padding is looked
// at.
int set_signing_params(void* data, const OSSL_PARAM* params) {
  if (params == nullptr) return 1;
  const OSSL_PARAM* padding = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
  return padding == nullptr ? 1 : set_padding(*signing_of(data), *padding);
}
const OSSL_PARAM* settable_signing_params(void*, void*) {
  static const OSSL_PARAM kSettable[] = {OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
                                         OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
                                         OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, nullptr, 0),
                                         OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0),
                                         OSSL_PARAM_END};
  return kSettable;
}

int begin_signing(void* data, const char* digest, void* key, const OSSL_PARAM* params) {
  Signing& signing = *signing_of(data);
  if (key != nullptr) signing.key = key_of(key);
  if (digest != nullptr) signing.digest = digest;
  return set_signing_params(data, params);
}

bool same_digest(std::string_view a, std::string_view b) {  // "SHA2-256" and "SHA256" are the same to OpenSSL
  return a == b || (a.starts_with("SHA2-") && "SHA" + std::string(a.substr(5)) == b);
}

std::optional<SignatureScheme> scheme_of(const Signing& signing) {
  for (int i = 0; i <= static_cast<int>(SignatureScheme::kLast); ++i) {
    const SchemeRow& row = scheme_row(static_cast<SignatureScheme>(i));
    const bool padded = row.padding == Padding::none || row.padding == signing.padding;
    if (scheme_fits(row.scheme, signing.key->type) && padded && same_digest(signing.digest, row.digest))
      return row.scheme;
  }
  return {};
}

std::expected<std::string, std::string> ask_signer(const Signing& signing, std::string_view message) {
  if (signing.key == nullptr || signing.key->slot == nullptr || signing.key->slot->signer == nullptr)
    return std::unexpected("no signer is bound");
  const auto scheme = scheme_of(signing);
  if (!scheme) return std::unexpected("a signature scheme that was not offered");
  return signing.key->slot->signer->sign(signing.key->id, *scheme, message);
}

int sign_at_once(void* data, unsigned char* out, std::size_t* out_size, std::size_t capacity,
                 const unsigned char* message, std::size_t message_size) {
  const Signing& signing = *signing_of(data);
  if (out == nullptr) {
    *out_size = static_cast<std::size_t>(EVP_PKEY_get_size(signing.key->public_key.get()));
    return 1;
  }
  auto signature = ask_signer(signing, {reinterpret_cast<const char*>(message), message_size});
  if (signature && (signature->empty() || signature->size() > capacity))
    signature = std::unexpected("a signature of impossible length");
  if (signing.key->slot != nullptr) signing.key->slot->failure = signature ? "" : signature.error();
  if (!signature) return 0;
  std::memcpy(out, signature->data(), signature->size());
  *out_size = signature->size();
  return 1;
}

// ---- The tables by which OpenSSL finds all this.

template <typename F>
OSSL_DISPATCH entry(int function, F* implementation) {
  return {function, reinterpret_cast<void (*)()>(implementation)};
}

template <typename Import, typename Types, typename Name>
std::array<OSSL_DISPATCH, 12> key_table(Import* import, Types* types, Name* operation) {
  return {entry(OSSL_FUNC_KEYMGMT_NEW, new_key),
          entry(OSSL_FUNC_KEYMGMT_FREE, free_key),
          entry(OSSL_FUNC_KEYMGMT_HAS, has_parts),
          entry(OSSL_FUNC_KEYMGMT_MATCH, match),
          entry(OSSL_FUNC_KEYMGMT_IMPORT, import),
          entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, types),
          entry(OSSL_FUNC_KEYMGMT_EXPORT, export_key),
          entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, types),
          entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_key_params),
          entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, gettable_key_params),
          entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, operation),
          {0, nullptr}};
}

const std::array<OSSL_DISPATCH, 12> kEcKeys = key_table(import_ec, ec_types, ec_operation);
const std::array<OSSL_DISPATCH, 12> kRsaKeys = key_table(import_rsa, rsa_types, rsa_operation);

const OSSL_DISPATCH kSignatures[] = {entry(OSSL_FUNC_SIGNATURE_NEWCTX, new_signing),
                                     entry(OSSL_FUNC_SIGNATURE_FREECTX, free_signing),
                                     entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, begin_signing),
                                     entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign_at_once),
                                     entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_signing_params),
                                     entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable_signing_params),
                                     {0, nullptr}};

const OSSL_ALGORITHM* query_operation(void*, int operation, int* no_cache) {
  static const OSSL_ALGORITHM kKeyAlgorithms[] = {{"EC:id-ecPublicKey", kProperty, kEcKeys.data(), nullptr},
                                                  {"RSA:rsaEncryption", kProperty, kRsaKeys.data(), nullptr},
                                                  {nullptr, nullptr, nullptr, nullptr}};
  static const OSSL_ALGORITHM kSignatureAlgorithms[] = {
      {"ECDSA", kProperty, kSignatures, nullptr},
      {"RSA:rsaEncryption", kProperty, kSignatures, nullptr},
      {nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  if (operation == OSSL_OP_KEYMGMT) return kKeyAlgorithms;
  return operation == OSSL_OP_SIGNATURE ? kSignatureAlgorithms : nullptr;
}

int init_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** out,
                  void** context) {
  static const OSSL_DISPATCH kProvider[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query_operation),
                                            {0, nullptr}};
  *out = kProvider;
  *context = const_cast<OSSL_CORE_HANDLE*>(handle);
  return 1;
}

}  // namespace

std::expected<std::string, std::string> LocalSigner::sign(const KeyId& key, SignatureScheme scheme,
                                                          std::string_view to_be_signed) noexcept {
  if (key != key_.id()) return std::unexpected("another key was asked for");
  return key_.sign(scheme, to_be_signed);
}

bool add_remote_key_provider(OSSL_LIB_CTX* library) {
  return OSSL_PROVIDER_add_builtin(library, kRemoteProvider, init_provider) == 1 &&
         OSSL_PROVIDER_load(library, kRemoteProvider) != nullptr;
}

PkeyHandle make_remote_key(X509* certificate, SignerSlot& slot) {
  EVP_PKEY* public_key = X509_get0_pubkey(certificate);
  OSSL_PARAM* public_params = nullptr;
  if (public_key == nullptr || EVP_PKEY_todata(public_key, EVP_PKEY_PUBLIC_KEY, &public_params) != 1)
    return {};
  const ParamsHandle public_owner{public_params};
  SignerSlot* address = &slot;
  OSSL_PARAM with_slot[] = {OSSL_PARAM_construct_octet_string(kSlotParameter, &address, sizeof address),
                            OSSL_PARAM_construct_end()};
  const ParamsHandle params{OSSL_PARAM_merge(public_params, with_slot)};
  const char* algorithm = EVP_PKEY_is_a(public_key, "RSA") ? "RSA" : "EC";
  const PkeyContextHandle context{EVP_PKEY_CTX_new_from_name(library(), algorithm, kProperty)};
  EVP_PKEY* made = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return {};
  return PkeyHandle{made};
}

}  // namespace mailroom::tls
