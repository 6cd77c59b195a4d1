// The server's side of TLS, set up once by a listener before it forks and is jailed; children use it after
// the fork.
//
// What it allows: TLS 1.2 and 1.3, ECDHE with AES-GCM or ChaCha20-Poly1305 alone (RFC 9325), unless the
// settings ask for older or newer; no compression, no renegotiation, no session tickets, no session cache, no
// early data.  It holds certificates and no private key: signatures come from the Signer that the child
// binds.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/tls/signer.h"

namespace mailroom::tls {

// A certificate and the host names that clients ask for it by (SNI): lower case, the leftmost label may be
// "*".
struct ServerIdentity {
  std::vector<std::string> names;
  std::string chain_pem;  // leaf first
};

// Versions of TLS, in their order.
enum class Version : std::uint8_t { tls1_0, tls1_1, tls1_2, tls1_3 };

// What a handshake may be.
struct Tolerance {
  Version oldest = Version::tls1_2;
  // CBC suites and finite-field Diffie-Hellman of 2048 bits too, for devices that know nothing else.  A
  // version before TLS 1.2 works with these, and with an RSA key, alone.
  bool old_ciphers = false;
  bool operator==(const Tolerance&) const = default;
};

struct ServerSettings {
  // The first is used where the client names no host or none of these.  Identities whose first names are the
  // same and whose key types differ serve the same clients, each with the key it can use.
  std::vector<ServerIdentity> identities;
  // The only protocol that ALPN may ask for: "imap", "pop3", "smtp" (RFC 7301; SECURITY.md V15).  A client
  // without ALPN is welcome, one that offers others alone gets no_application_protocol.
  std::string protocol;
  Tolerance tolerance;
  // Not empty: in TLS 1.3 clients are asked for a certificate of one of these authorities (PEM).  They need
  // not show one, and it is not looked at here but for its signature: see TlsStream::client_handshake().
  std::string client_authorities_pem = {};
  // Whether connections may go on in another process (TlsStream::release()): what that needs is noted in each
  // handshake.
  bool may_move = true;
};

// Octets of certificates that a client may show; with more the handshake fails.
inline constexpr std::size_t kMaxClientCertificates = 16 * 1024;

class ServerContext {
 public:
  // The error names the identity and says in words what is wrong with it.
  static std::expected<ServerContext, std::string> make(const ServerSettings& settings);
  ServerContext(ServerContext&&) noexcept;
  ServerContext& operator=(ServerContext&&) noexcept;
  ~ServerContext();

  // Does handshakes in memory with a key made on the spot, so that all that OpenSSL looks up and allocates
  // once is there before the fork: children share it, and open and load nothing.
  void warm_up();

  // Who signs from now on in this process.  `signer` must outlive the handshakes.
  void bind_signer(Signer& signer);

  // Of the identities, in their order; keyd knows the keys by these names.
  std::vector<KeyId> key_ids() const;

  struct State;  // of libcommon/tls
  State& state() { return *state_; }

 private:
  explicit ServerContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Whether a certificate name (lower case, perhaps with "*" as its leftmost label) covers the host name as a
// client wrote it.
bool name_covers(std::string_view certificate_name, std::string_view host_name);

}  // namespace mailroom::tls
