// A TLS 1.3 client that writes records by itself, with the keys of a real handshake: also those that no TLS
// library would send.
#pragma once

#include <optional>
#include <string>

#include "libcommon/tls/record_key.h"
#include "tests/unit/tls/test_client.h"

namespace mailroom::tls {

// Types of a record's content (RFC 8446 5.1).
inline constexpr std::uint8_t kData = 23, kHandshake = 22, kAlert = 21;

// KeyUpdate, without and with the wish for one in return (RFC 8446 4.6.3).
inline const std::string kKeyUpdate{"\x18\0\0\1\0", 5}, kKeyUpdateRequest{"\x18\0\0\1\1", 5};

class RecordClient {
 public:
  explicit RecordClient(int socket);

  // The handshake; then `seal` and `open` are there.
  bool connect();

  // False when the connection has been cut.
  bool send(const std::string& bytes) const;
  std::string sealed(std::uint8_t type, const std::string& content, std::size_t padding = 0);

  // The next record, opened: its content with the octet of its type behind; nothing at the end of the
  // connection.  Throws when it is not authentic.
  std::optional<std::string> read_record();
  // The first alert that comes, -1 if the connection ends without.
  int read_alert();

  std::optional<RecordKey> seal, open;

 private:
  static void note(const SSL*, const char* line);

  static inline thread_local RecordClient* current_ = nullptr;
  int socket_;
  TestClient client_;
  std::string client_secret_, server_secret_;
};

}  // namespace mailroom::tls
