#include "libcommon/tls/channel_bindings.h"

#include <openssl/objects.h>

#include <string_view>

#include "libcommon/tls/library.h"
#include "libcommon/tls/stream_state.h"

namespace mailroom::tls {
namespace {

constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";  // RFC 9266 2
constexpr std::size_t kExporterSize = 32;

std::string exporter_of(SSL* ssl) {
  std::string binding(kExporterSize, '\0');
  if (SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(binding.data()), binding.size(),
                                 kLabel.data(), kLabel.size(), nullptr, 0, 0) != 1)
    return {};
  return binding;
}

// RFC 5929 4.1: the hash of the certificate's own signature, SHA-256 where that is weaker.
int hash_of(const X509* certificate) {
  int hash = NID_undef;
  if (certificate == nullptr || OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &hash, nullptr) != 1)
    return NID_undef;
  return hash == NID_md5 || hash == NID_sha1 ? NID_sha256 : hash;
}

std::string server_end_point_of(const X509* certificate) {
  const int hash = hash_of(certificate);
  if (hash == NID_undef) return {};
  const Handle<EVP_MD, &EVP_MD_free> algorithm{EVP_MD_fetch(library(), OBJ_nid2sn(hash), nullptr)};
  unsigned char octets[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!algorithm || X509_digest(certificate, algorithm.get(), octets, &size) != 1) return {};
  return {reinterpret_cast<const char*>(octets), size};
}

}  // namespace

// Below TLS 1.3 a client would take tls-unique (RFC 5802 6.1), which two connections may have the same
// (RFC 9266 4.2).
bool TlsStream::has_exporter_binding() const { return SSL_version(state_->ssl.get()) >= TLS1_3_VERSION; }

ChannelBindings TlsStream::bindings() const {
  return {has_exporter_binding() ? exporter_of(state_->ssl.get()) : std::string{},
          server_end_point_of(SSL_get_certificate(state_->ssl.get()))};
}

}  // namespace mailroom::tls
