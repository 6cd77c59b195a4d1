// Certificates of every kind, and servers that show them, for the tests of the client's side.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/tls/test_client.h"

namespace mailroom::tls {

using Certificate = std::shared_ptr<X509>;
using Key = std::shared_ptr<EVP_PKEY>;

// What a certificate says.
struct Says {
  std::string common_name = "mx.example";
  std::vector<std::string> names = {};  // DNS-IDs of subjectAltName
  long begins = -3600;                  // seconds from now
  long ends = 3600;
  bool authority = false;
  std::vector<std::string> emails = {};  // rfc822Names of subjectAltName
  std::string usage = {};                // extendedKeyUsage as openssl.cnf has it; empty: none
  std::string key = "P-256";             // a curve, "ED25519", or "RSA"
  std::string digest = "SHA256";         // under the signature; ED25519 has its own
};

struct Identity {
  Key key;
  Certificate certificate;
  std::vector<Certificate> others = {};  // shown after it

  std::string pem() const;
  std::string der() const;
  std::string public_key_der() const;
};

Identity self_signed(const Says& says);
Identity signed_by(const Identity& authority, const Says& says);

// In PEM, for so many seconds.
std::string revocation_list(const Identity& authority, const std::vector<const Identity*>& revoked,
                            long ends = 3600);

std::string sha256(const std::string& octets);
std::string sha512(const std::string& octets);

struct Offers {
  int min_version = TLS1_2_VERSION;
  int max_version = TLS1_3_VERSION;
  std::string ciphers = {};  // TLS 1.2 and before, with OpenSSL's security level 0
};

// An OpenSSL server at the far end of a socket pair, in a thread of its own, joined at the end of the scope.
class BesideServer {
 public:
  using Conversation = std::function<void(SSL*)>;  // after a handshake that has come to its end

  BesideServer(const SocketPair& sockets, const Identity& identity, const Offers& offers = {},
               Conversation conversation = {});
  ~BesideServer();
  void finish();

  // After finish():
  bool shook_hands = false;
  std::string server_name;  // SNI
  int alert = -1;           // the last that came from the client

 private:
  void serve(const Conversation& conversation);
  static void note(const SSL* ssl, int where, int value);

  const SocketPair& sockets_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::jthread thread_;
};

}  // namespace mailroom::tls
