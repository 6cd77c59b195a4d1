// Whether a client has proved in one certain handshake that it has the key of a certificate, and that
// certificate is good.
//
// The handshake is told by somebody who is not believed.  It is taken for what happened when
//   - it is the one that the server's key has signed: the hash of all messages up to the server's Certificate
//     is what was signed, that certificate is ours, and the server's CertificateVerify is that very
//     signature, whose random numbers nobody could know before (a certificate with our key is not enough:
//     another server may have got one for its own name, and show it to its own clients);
//   - the client's CertificateVerify signs all of it, that signature included, with the key of the client's
//     certificate: then the client has seen that signature, and proved itself to whoever has it made.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/protocol/tls/handshake.h"
#include "libcommon/tls/digest.h"

namespace mailroom::tls {

// Names of a kind (dNSName, rfc822Name) that are read of one certificate; with more it is refused.
inline constexpr std::size_t kMaxNamesOfClient = 32;

// What the server's key has signed in the connection, from whoever signed it.
struct SignedByServer {
  std::span<const Sha256Digest> certificates;  // ours with that key, by the hash of their DER
  std::string_view to_be_signed;
  std::string_view signature;
};

// What a certificate says of its holder: subjectAltName (RFC 5280 4.2.1.6), as it stands there.
struct ClientNames {
  Sha256Digest fingerprint{};  // of the certificate in DER
  std::vector<std::string> emails;
  std::vector<std::string> hosts;
};

class ClientVerifier {
 public:
  // PEM certificates of authorities, and PEM revocation lists or nothing; the error says in words what is
  // wrong with them.
  static std::expected<ClientVerifier, std::string> make(std::string_view authorities_pem,
                                                         std::string_view revocations_pem);
  ClientVerifier(ClientVerifier&&) noexcept;
  ClientVerifier& operator=(ClientVerifier&&) noexcept;
  ~ClientVerifier();

  std::size_t authorities() const;
  std::size_t revocations() const;

  // The names of the client's certificate, or in words why it proves nothing.
  std::expected<ClientNames, std::string> verify(const SignedByServer& made, std::string_view handshake,
                                                 std::chrono::sys_seconds now) const;

  // The second half: of a handshake that took place.  The client has signed it with the key of its
  // certificate, and that has a chain to one of the authorities, which may be signed by another, within its
  // time at `now`, with 112 bits of security, for TLS clients (key usage, extended key usage); where there
  // are revocation lists, one of its issuer is current and does not name it, and so is each that is there of
  // the issuer of a certificate between it and the authority.
  std::expected<ClientNames, std::string> verify_client(const Handshake& handshake,
                                                        std::chrono::sys_seconds now) const;

 private:
  struct State;
  explicit ClientVerifier(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mailroom::tls
