// The signatures by which a client may prove its certificate in TLS 1.3 (RFC 8446 4.2.3).  Internal to
// libcommon/tls.
#pragma once

#include <cstdint>

namespace mailroom::tls {

struct ClientSchemeRow {
  std::uint16_t number;  // on the wire
  const char* name;      // as RFC 8446 writes it; OpenSSL knows the same names
  const char* digest;    // OpenSSL's name; null: the scheme has its own
  const char* key;       // OpenSSL's name of the kind of key
  const char* group;     // OpenSSL's name of the curve; null: any key of that kind
};

inline constexpr ClientSchemeRow kClientSchemes[] = {
    {0x0403, "ecdsa_secp256r1_sha256", "SHA256", "EC", "prime256v1"},
    {0x0503, "ecdsa_secp384r1_sha384", "SHA384", "EC", "secp384r1"},
    {0x0603, "ecdsa_secp521r1_sha512", "SHA512", "EC", "secp521r1"},
    {0x0807, "ed25519", nullptr, "ED25519", nullptr},
    {0x0804, "rsa_pss_rsae_sha256", "SHA256", "RSA", nullptr},
    {0x0805, "rsa_pss_rsae_sha384", "SHA384", "RSA", nullptr},
    {0x0806, "rsa_pss_rsae_sha512", "SHA512", "RSA", nullptr},
};

// Beside them, what may stand in the certificates of its chain and nowhere else.
inline constexpr const char* kSchemesOfCertificates = "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";

}  // namespace mailroom::tls
