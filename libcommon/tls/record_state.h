// The state of an established TLS 1.3 connection between two records: all that another process needs to go on
// with it (DESIGN.md, "TLS moves with the connection").
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

namespace mailroom::tls {

// RFC 8446 B.4
enum class Suite : std::uint8_t {
  aes_128_gcm_sha256,
  aes_256_gcm_sha384,
  chacha20_poly1305_sha256,
  kLast = chacha20_poly1305_sha256
};

// Holds the secrets that protect the connection, and what the client has already sent.
struct RecordState {
  Suite suite{};
  bool update_owed = false;   // the client has asked for a KeyUpdate that has not been sent
  std::string client_secret;  // application_traffic_secret_N of each side (RFC 8446 7.1)
  std::string server_secret;
  std::uint64_t client_sequence = 0;  // of the next record of each side (RFC 8446 5.3)
  std::uint64_t server_sequence = 0;
  std::string plaintext;  // received and opened, not yet read
  std::string unopened;   // octets from the transport after the last opened record

  bool operator==(const RecordState&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.suite, m.update_owed, m.client_secret, m.server_secret, m.client_sequence,
                    m.server_sequence, m.plaintext, m.unopened);
  }
};

}  // namespace mailroom::tls
