#include "tests/unit/tls/record_client.h"

#include <sys/socket.h>

#include <stdexcept>

#include "libcommon/text/hex.h"

namespace mailroom::tls {
namespace {

bool receive(int socket, std::span<char> into) {
  return ::recv(socket, into.data(), into.size(), MSG_WAITALL) == static_cast<ssize_t>(into.size());
}

}  // namespace

RecordClient::RecordClient(int socket)
    : socket_{socket}, client_{socket, {.suites = "TLS_AES_128_GCM_SHA256"}} {
  SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(client_.ssl()), note);
  current_ = this;
}

bool RecordClient::connect() {
  if (!client_.connect()) return false;
  seal.emplace(RecordKey::Use::seal, Suite::aes_128_gcm_sha256, client_secret_, 0);
  open.emplace(RecordKey::Use::open, Suite::aes_128_gcm_sha256, server_secret_, 0);
  return true;
}

bool RecordClient::send(const std::string& bytes) const {
  return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

std::string RecordClient::sealed(std::uint8_t type, const std::string& content, std::size_t padding) {
  std::string record;
  seal->seal(type, content, record, padding);
  return record;
}

std::optional<std::string> RecordClient::read_record() {
  char header[kRecordHeader];
  if (!receive(socket_, header)) return {};
  std::string body(static_cast<unsigned char>(header[3]) * 256U + static_cast<unsigned char>(header[4]),
                   '\0');
  if (!receive(socket_, body)) return {};
  const auto inner = open->open({header, sizeof header}, body);
  if (!inner) throw std::runtime_error("the server has sent a record that is not authentic");
  if (inner->back() == kHandshake) open->update();
  return std::string{inner->data(), inner->size()};
}

int RecordClient::read_alert() {
  while (const auto record = read_record())
    if (record->size() == 3 && record->back() == kAlert) return static_cast<unsigned char>((*record)[1]);
  return -1;
}

void RecordClient::note(const SSL*, const char* line) {
  const std::string_view text = line;
  const auto secret = [&] { return decode_hex(text.substr(text.rfind(' ') + 1)).value(); };
  if (text.starts_with("CLIENT_TRAFFIC_SECRET_0")) current_->client_secret_ = secret();
  if (text.starts_with("SERVER_TRAFFIC_SECRET_0")) current_->server_secret_ = secret();
}

}  // namespace mailroom::tls
