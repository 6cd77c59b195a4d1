// The inside of a ServerContext.  Internal to libcommon/tls.
#pragma once

#include <deque>
#include <optional>

#include "libcommon/tls/certificate.h"
#include "libcommon/tls/client_offer.h"
#include "libcommon/tls/handles.h"
#include "libcommon/tls/server_context.h"

namespace mailroom::tls {

struct LoadedIdentity {
  std::vector<std::string> names;
  CertificateChain chain;
  SslContextHandle context;  // serves this identity, and those of other key types with the same first name
};

struct ServerContext::State {
  SignerSlot slot;
  std::string protocol;
  Tolerance tolerance;
  bool may_move = true;
  std::vector<std::shared_ptr<X509>> client_authorities;  // empty: no client is asked for a certificate
  std::deque<LoadedIdentity> identities;                  // the first is the default

  SSL_CTX* default_context() const { return identities.front().context.get(); }
  // Null where the client is to be served by the default.
  SSL_CTX* context_for(std::string_view host_name) const;
};

// OpenSSL's.
int version_number(Version version);

// A context with one certificate of each key type.  Null on failure, with OpenSSL's error queue saying why.
SslContextHandle build_context(ServerContext::State& state,
                               const std::vector<const CertificateChain*>& chains);

// Puts another tolerance in place of the context's, for one connection, before its handshake.
bool tolerate(SSL* ssl, const Tolerance& tolerance);

// What OpenSSL shows of the traffic keys of one connection, for release().
struct TrafficKeys {
  ~TrafficKeys();
  std::string client_secret;  // empty until the handshake has come so far
  std::string server_secret;
  std::uint64_t client_records = 0;  // protected with that secret
  std::uint64_t server_records = 0;
  bool updated = false;  // these secrets are not the current ones any more
};

// The messages of a handshake, from ClientHello to the client's CertificateVerify.
class KeptHandshake {
 public:
  enum class From : std::uint8_t { us, client };

  // Messages that were noted before are those of another handshake.
  void begin() { state_ = State::keeping; }
  void note(From from, std::string_view message);
  // Empty: the client has proved no certificate in it, or it is too long.
  const std::string& messages() const { return state_ == State::whole ? messages_ : kNothing; }

 private:
  enum class State : std::uint8_t { off, keeping, whole };
  void give_up();

  static const std::string kNothing;
  State state_ = State::off;
  std::string messages_;
};

// Where the callbacks of a connection leave what they see.
struct ConnectionNotes {
  std::optional<Tolerance> tolerance;  // in place of the context's; set before the handshake
  ClientOffer offer;
  TrafficKeys traffic;
  KeptHandshake handshake;
};

// Before the handshake.  `notes` must outlive the SSL object.
void take_notes(SSL* ssl, ConnectionNotes& notes);
// Of this SSL object; null: nobody takes notes.
ConnectionNotes* notes_of(const SSL* ssl);

// Callback for SSL_CTX_set_keylog_callback.
void note_secret(const SSL* ssl, const char* line);

}  // namespace mailroom::tls
