// Certificate chains as an operator configures them.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/sys/fd.h"
#include "libcommon/tls/key.h"

struct x509_st;

namespace mailroom::tls {

// Certificates of one chain; more than this is a mistake in the file.
inline constexpr std::size_t kMaxChain = 16;
// Bits of security of each key in a chain, and of each signature but those that certificates make of
// themselves: as OpenSSL's security level 2 and the clients of today want it.  SHA-1 has less.
inline constexpr int kMinCertificateStrength = 112;
// An RSA key of 16,384 bits has 13 KiB in PEM.
inline constexpr std::size_t kMaxKeyFile = 32 * 1024;

class CertificateChain {
 public:
  // Reads PEM certificates, the leaf first, each followed by the one that signed it, none weaker than
  // kMinCertificateStrength.  Text around them is ignored.  The error says in words what is wrong.
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

// What a server proves itself with.
struct OwnIdentity {
  CertificateChain chain;
  PrivateKey key;  // the chain's
};
// The error says in words why they cannot be used: neither can be read, or they do not belong together.
// `key_file` is open, or an invalid Fd.
std::expected<OwnIdentity, std::string> read_identity(std::string_view chain_pem, const Fd& key_file);

// A key made on the spot with a certificate that it signs itself: for tests, to warm up a ServerContext, and
// to try a handshake.
struct ThrowawayIdentity {
  PrivateKey key;
  std::string chain_pem;
};
ThrowawayIdentity make_throwaway_identity(KeyType type, std::string_view host_name);

}  // namespace mailroom::tls
