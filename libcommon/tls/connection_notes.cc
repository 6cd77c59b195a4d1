// What OpenSSL's callbacks show of a connection, kept for the log and for moving the connection.
#include <openssl/crypto.h>

#include "libcommon/protocol/tls/handshake.h"
#include "libcommon/protocol/tls/message_type.h"
#include "libcommon/tls/record_key.h"
#include "libcommon/tls/server_state.h"

namespace mailroom::tls {
namespace {

int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

std::string from_hex(std::string_view hex) {
  std::string octets;
  octets.reserve(hex.size() / 2);
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    octets.push_back(static_cast<char>(hex_digit(hex[i]) << 4 | hex_digit(hex[i + 1])));
  return octets;
}

void wipe(std::string& secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

// SSL_CTX_set_msg_callback: `octets` are a record's header, or a message within records.
void note_message(int written, int, int type, const void* octets, std::size_t size, SSL* ssl, void*) {
  ConnectionNotes* const notes = notes_of(ssl);
  if (notes == nullptr || size == 0) return;
  const unsigned char first = *static_cast<const unsigned char*>(octets);
  TrafficKeys& traffic = notes->traffic;
  if (type == SSL3_RT_HEADER && first == static_cast<unsigned char>(ContentType::application_data))
    ++(written == 1 ? traffic.server_records : traffic.client_records);
  if (type != SSL3_RT_HANDSHAKE) return;
  if (MessageType{first} == MessageType::key_update) traffic.updated = true;
  notes->handshake.note(written == 1 ? KeptHandshake::From::us : KeptHandshake::From::client,
                        {static_cast<const char*>(octets), size});
}

}  // namespace

void take_notes(SSL* ssl, ConnectionNotes& notes) {
  SSL_set_app_data(ssl, &notes);
  SSL_set_msg_callback(ssl, note_message);
}

ConnectionNotes* notes_of(const SSL* ssl) { return static_cast<ConnectionNotes*>(SSL_get_app_data(ssl)); }

// A line is "LABEL CLIENT-RANDOM SECRET", and comes when OpenSSL begins to use the secret.
void note_secret(const SSL* ssl, const char* line) {
  ConnectionNotes* const notes = notes_of(ssl);
  if (notes == nullptr) return;
  const std::string_view text = line;
  const std::string_view secret = text.substr(text.rfind(' ') + 1);
  TrafficKeys& traffic = notes->traffic;
  if (text.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) {
    traffic.client_secret = from_hex(secret);
    traffic.client_records = 0;
  } else if (text.starts_with("SERVER_TRAFFIC_SECRET_0 ")) {
    traffic.server_secret = from_hex(secret);
    traffic.server_records = 0;
  }
}

const std::string KeptHandshake::kNothing;

void KeptHandshake::note(From from, std::string_view message) {
  if (state_ != State::keeping) return;
  const MessageType type{static_cast<std::uint8_t>(message.front())};
  // Without a certificate, and in TLS 1.2, the client has come to its end.
  if (from == From::client && type == MessageType::finished) return give_up();
  if (messages_.size() + message.size() > kMaxHandshake) return give_up();
  messages_ += message;
  if (from == From::client && type == MessageType::certificate_verify) state_ = State::whole;
}

void KeptHandshake::give_up() {
  state_ = State::off;
  messages_ = {};
}

TrafficKeys::~TrafficKeys() {
  wipe(client_secret);
  wipe(server_secret);
}

}  // namespace mailroom::tls
