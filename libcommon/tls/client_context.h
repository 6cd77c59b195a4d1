// The client's side of TLS, set up once by the relayd listener before it forks and is jailed; children use it
// after the fork, and open no file for it.
//
// What it allows: TLS 1.2 and 1.3 with forward secrecy and AEAD where TLS must prove or keep something
// (encrypt, dane, certificate); what is still better than plaintext where it need not (may).  No compression,
// no renegotiation, no session is ever resumed, no early data, no client certificate.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "libcommon/routing/next_hop.h"
#include "libcommon/tls/tls_stream.h"

namespace mailroom::tls {

// Certificates in a bundle of authorities; Debian's has about 140.
inline constexpr std::size_t kMaxAuthorities = 2000;

struct ClientSettings {
  std::string authorities_pem;  // whom level `certificate` believes; empty: nobody, that level always fails
  bool old_versions = false;    // level may: TLS 1.0 and 1.1 too, with the ciphers of their time
};

struct ClientFailure {
  enum class Kind {
    connection,   // it ended, or the time was over
    handshake,    // TLS failed: another version, no common cipher, no TLS at all
    certificate,  // it does not prove what was required
  };
  Kind kind;
  std::string result;  // RFC 8460 4.3: certificate-host-mismatch, certificate-expired,
                       // certificate-not-trusted, tlsa-invalid, validation-failure
  std::string words;   // one line, printable ASCII
};

class ClientContext {
 public:
  // The error says in words what is wrong with the bundle.
  static std::expected<ClientContext, std::string> make(const ClientSettings& settings);
  ClientContext(ClientContext&&) noexcept;
  ClientContext& operator=(ClientContext&&) noexcept;
  ~ClientContext();

  // Does handshakes in memory, so that all that OpenSSL looks up and allocates once is there before the fork.
  void warm_up();

  // Does the handshake as `required` says; its level is not `never`.  The transport's deadline holds for it,
  // and it must outlive the stream.  The first of required.names, if any, is sent as SNI; at level dane it is
  // the TLSA base domain (RFC 7672 2.2.3).
  //
  //   may, encrypt  whatever the certificate; with report_only, what level `certificate` would have failed
  //                 for is HandshakeFacts::trouble
  //   dane          one of the TLSA records matches: DANE-EE(3) whatever names and dates the certificate has,
  //                 DANE-TA(2) with one of the names (RFC 7672 3.1.1, 3.1.2); PKIX-TA(0) and PKIX-EE(1) never
  //                 match (3.1.3)
  //   certificate   a chain to one of the authorities, and a DNS-ID in subjectAltName for one of the names;
  //                 "*" stands for the whole leftmost label alone; the common name says nothing (RFC 8461
  //                 4.1)
  //
  // After a failure the transport is of no more use.  Precondition: nothing that the server sent before TLS
  // is buffered above the transport (SECURITY.md V2).
  std::expected<std::unique_ptr<TlsStream>, ClientFailure> start(Stream& transport,
                                                                 const routing::TlsRequirement& required);

 private:
  struct State;
  explicit ClientContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mailroom::tls
