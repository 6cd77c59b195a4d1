// An OpenSSL client and the rest that the TLS tests share.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "libcommon/sys/fd.h"
#include "libcommon/sys/socket_stream.h"
#include "libcommon/tls/certificate.h"
#include "libcommon/tls/tls_stream.h"

namespace mailroom::tls {

// What a client offers.
struct Offer {
  int min_version = TLS1_2_VERSION;
  int max_version = TLS1_3_VERSION;
  std::string ciphers = {};    // TLS 1.2 and before
  std::string suites = {};     // TLS 1.3
  std::string schemes = {};    // signature algorithms
  std::string host_name = {};  // SNI
  std::string protocols = {};  // ALPN, each name behind its length
  std::string groups = {};
};

class TestClient {
 public:
  explicit TestClient(int socket, const Offer& offer = {});

  bool connect();  // the handshake
  bool write(const std::string& bytes);
  std::string read(std::size_t size);  // exactly `size` octets, or less at the end
  bool renegotiate();
  bool key_update(bool ask_for_one);
  bool close();  // close_notify, and waits for the server's

  std::string version() const { return SSL_get_version(ssl_.get()); }
  std::string suite() const { return SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl_.get())); }
  std::string signature() const;         // "id-ecPublicKey", "RSASSA-PSS", "rsaEncryption"
  std::string certificate_name() const;  // the common name of what the server showed
  std::string protocol() const;
  bool saw_ticket() const { return saw_ticket_; }
  int alert() const { return alert_; }  // the last that came; -1: none
  SSL* ssl() const { return ssl_.get(); }

 private:
  static void note(const SSL* ssl, int where, int value);
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool saw_ticket_ = false;
  int alert_ = -1;
};

// Two connected stream sockets.
struct SocketPair {
  SocketPair();
  Fd client;
  Fd server;
};

// The identities of a test server, with the keys that a keyd would hold.
class TestServer : public Signer {
 public:
  struct Host {
    KeyType type;
    std::string name;
  };
  explicit TestServer(const std::vector<Host>& hosts, const std::string& protocol = "imap",
                      const std::string& client_authorities_pem = {});

  ServerContext& context() { return *context_; }
  const PrivateKey& key(std::size_t index) const { return keys_[index]; }
  const Sha256Digest& certificate() const { return certificate_; }  // the first
  std::vector<SignatureScheme> asked;                               // in order
  struct Made {
    KeyId key{};
    std::string to_be_signed;
    std::string signature;
  };
  Made made;  // the last signature

  std::expected<std::string, std::string> sign(const KeyId& key, SignatureScheme scheme,
                                               std::string_view to_be_signed) noexcept override;

 private:
  std::vector<PrivateKey> keys_;
  Sha256Digest certificate_{};
  std::unique_ptr<ServerContext> context_;
};

// Runs a client's conversation beside the server's; the client's thread is joined at the end of the scope.
// The client's socket is shut down when its conversation returns.
class BesideClient {
 public:
  BesideClient(const SocketPair& sockets, Offer offer, std::function<void(TestClient&)> conversation);
  ~BesideClient();       // cuts the conversation short where the server's side has failed
  TestClient& finish();  // waits for the conversation to end

 private:
  const SocketPair& sockets_;
  TestClient client_;
  std::jthread thread_;
};

}  // namespace mailroom::tls
