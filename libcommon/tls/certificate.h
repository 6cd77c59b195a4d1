// Certificate chains as an operator configures them.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/tls/key.h"

struct x509_st;

namespace mailroom::tls {

// Certificates of one chain; more than this is a mistake in the file.
inline constexpr std::size_t kMaxChain = 16;

class CertificateChain {
 public:
  // Reads PEM certificates, the leaf first, each followed by the one that signed it.  Text around them is
  // ignored.  The error says in words what is wrong.
  static std::expected<CertificateChain, std::string> parse(std::string_view pem);

  // The leaf's key.
  const KeyId& key() const { return key_; }
  KeyType key_type() const { return type_; }
  // SHA-256 of the leaf's DER.
  const Sha256Digest& fingerprint() const { return fingerprint_; }

  // Whether the leaf is for this host name (RFC 6125: subjectAltName, whole-label wildcards).
  bool covers(std::string_view host_name) const;
  std::chrono::sys_seconds not_after() const;

  // For libcommon/tls: the leaf, then the others.
  const std::vector<std::shared_ptr<x509_st>>& certificates() const { return certificates_; }

 private:
  std::vector<std::shared_ptr<x509_st>> certificates_;
  KeyType type_{};
  KeyId key_{};
  Sha256Digest fingerprint_{};
};

// Whether chain and key belong together and can be used; the error says in words why not.
std::expected<void, std::string> check_identity(std::string_view chain_pem, std::string_view key_pem);

// A key made on the spot with a certificate that it signs itself: for tests, to warm up a ServerContext, and
// to try a handshake.
struct ThrowawayIdentity {
  PrivateKey key;
  std::string chain_pem;
};
ThrowawayIdentity make_throwaway_identity(KeyType type, std::string_view host_name);

}  // namespace mailroom::tls
