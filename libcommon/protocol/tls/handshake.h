// The messages of a TLS 1.3 handshake with certificates on both sides (grammar.md), taken apart.  Pure: no
// certificate is looked into and nothing is verified here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

namespace mailroom::tls {

// Octets of such a handshake that are kept and looked at: certificates of both sides, and some 2 KiB for the
// rest.
inline constexpr std::size_t kMaxHandshake = 48 * 1024;

// Certificates that a client may show; chains of three are common.
inline constexpr std::size_t kMaxClientChain = 8;

enum class TranscriptHash : std::uint8_t { sha256, sha384 };

struct CertificateVerify {
  std::uint16_t scheme = 0;  // SignatureScheme, RFC 8446 4.2.3
  std::string_view signature;
};

struct Handshake {
  TranscriptHash hash{};
  std::string_view retried_hello;       // the ClientHello before a HelloRetryRequest; empty: there was none
  std::string_view server_transcript;   // what follows it, up to and with the server's Certificate
  std::string_view client_transcript;   // the same, up to and with the client's Certificate
  std::string_view server_certificate;  // the first of the chain, DER
  CertificateVerify server;
  std::vector<std::string_view> client_chain;  // DER, its own first; not empty
  CertificateVerify client;
};

// The views are into `octets`, which may be of any length.  The error says in words where they are not such a
// handshake.
std::expected<Handshake, const char*> read_handshake(std::string_view octets);

}  // namespace mailroom::tls
