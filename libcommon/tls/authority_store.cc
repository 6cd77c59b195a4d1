#include "libcommon/tls/authority_store.h"

#include <openssl/x509_vfy.h>

#include <algorithm>
#include <string>

#include "libcommon/tls/handles.h"
#include "libcommon/tls/library.h"

namespace mailroom::tls {
namespace {

struct Authority {
  unsigned long name;   // hash of its subject's name
  std::string encoded;  // DER
};
using Authorities = std::vector<Authority>;

unsigned long hash_of(const X509_NAME* name) { return X509_NAME_hash_ex(name, library(), nullptr, nullptr); }

Authority encode(X509* certificate) {
  Authority authority{hash_of(X509_get_subject_name(certificate)), {}};
  authority.encoded.resize(static_cast<std::size_t>(std::max(0, i2d_X509(certificate, nullptr))));
  auto* out = reinterpret_cast<unsigned char*>(authority.encoded.data());
  i2d_X509(certificate, &out);
  return authority;
}

CertificateHandle decode(const Authority& authority) {
  X509* certificate = X509_new_ex(library(), nullptr);
  const auto* in = reinterpret_cast<const unsigned char*>(authority.encoded.data());
  // What cannot be read is freed, and set to null.
  if (certificate != nullptr) d2i_X509(&certificate, &in, static_cast<long>(authority.encoded.size()));
  return CertificateHandle{certificate};
}

Authorities* authorities_of(const X509_LOOKUP* lookup) {
  return static_cast<Authorities*>(X509_LOOKUP_get_method_data(lookup));
}

// Called for a name that the store does not have.  All authorities of that name go into the store, which
// chooses.
int find(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name, X509_OBJECT* found) {
  if (type != X509_LU_X509) return 0;
  const unsigned long wanted = hash_of(name);
  X509* first = nullptr;
  for (const Authority& authority : *authorities_of(lookup)) {
    if (authority.name != wanted) continue;
    const CertificateHandle certificate = decode(authority);
    if (!certificate || X509_NAME_cmp(X509_get_subject_name(certificate.get()), name) != 0) continue;
    if (X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), certificate.get()) == 1 && first == nullptr)
      first = certificate.get();
  }
  if (first == nullptr || X509_OBJECT_set1_X509(found, first) != 1) return 0;
  // The caller counts its reference itself: X509_LOOKUP_meth_new(3).
  X509_free(first);
  return 1;
}

void free_authorities(X509_LOOKUP* lookup) { delete authorities_of(lookup); }

X509_LOOKUP_METHOD* method() {
  static X509_LOOKUP_METHOD* const made = [] {
    X509_LOOKUP_METHOD* fresh = X509_LOOKUP_meth_new("mailroom authorities");
    X509_LOOKUP_meth_set_get_by_subject(fresh, find);
    X509_LOOKUP_meth_set_free(fresh, free_authorities);
    return fresh;
  }();
  return made;
}

}  // namespace

bool add_authorities(X509_STORE* store, const std::vector<std::shared_ptr<X509>>& authorities) {
  auto encoded = std::make_unique<Authorities>();
  for (const auto& authority : authorities) encoded->push_back(encode(authority.get()));
  X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, method());
  return lookup != nullptr && X509_LOOKUP_set_method_data(lookup, encoded.release()) == 1;
}

}  // namespace mailroom::tls
