// Records that make a server work and bring no content (SECURITY.md V11).
//
//   tls_flood PORT KIND COUNT [LINE UNTIL]...   KIND: key-update, empty, alert
//   tls_flood PORT paced COUNT [LINE UNTIL]...
//
// After the handshake each LINE is sent, and what comes is read up to the text UNTIL.  Then COUNT records of
// that kind; of `paced` so many KeyUpdates that ask for one in return, each before a NOOP that must be
// answered.  Prints "closed" when the server has ended the connection, "open" when it has not, or "answered".
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "tests/unit/tls/record_client.h"

namespace {

using namespace mailroom;
using namespace mailroom::tls;

constexpr int kBatch = 8;                      // records in one segment
constexpr in_addr_t kOwnAddress = 0x7f030001;  // 127.3.0.1: honest clients come from others
constexpr timeval kPatience{.tv_sec = 60, .tv_usec = 0};

Fd connect_to(const char* port) {
  Fd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in own{.sin_family = AF_INET};
  own.sin_addr.s_addr = htonl(kOwnAddress);
  ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("no connection");
  return socket;
}

void hear(RecordClient& client, const std::string& until) {
  std::string heard;
  while (heard.find(until) == std::string::npos) {
    const auto record = client.read_record();
    if (!record) throw std::runtime_error("the connection has ended: " + heard);
    if (record->back() == kData) heard.append(*record, 0, record->size() - 1);
  }
}

void say(RecordClient& client, const std::string& line, const std::string& until) {
  client.send(client.sealed(kData, line + "\r\n"));
  hear(client, until);
}

std::string next_record(RecordClient& client, const std::string& kind) {
  if (kind == "empty") return client.sealed(kData, "");
  if (kind == "alert") return client.sealed(kAlert, std::string{"\1\x5a", 2});  // a warning, user_canceled
  std::string record = client.sealed(kHandshake, kKeyUpdateRequest);
  client.seal->update();
  return record;
}

void flood(RecordClient& client, const std::string& kind, int count) {
  for (int sent = 0; sent < count; sent += kBatch) {
    std::string batch;
    for (int i = 0; i < kBatch; ++i) batch += next_record(client, kind);
    if (!client.send(batch)) return;
  }
}

// Whether the server ends the connection.
bool is_ended(RecordClient& client, int socket) {
  client.read_alert();  // and all before it
  char octet;
  const ssize_t size = ::recv(socket, &octet, 1, 0);
  return size == 0 || (size < 0 && errno == ECONNRESET);
}

void answer_each(RecordClient& client, int count) {
  for (int i = 0; i < count; ++i) {
    client.send(next_record(client, "key-update"));
    say(client, "n NOOP", "OK");
  }
}

void run(int argc, char** argv) {
  if (argc < 4 || argc % 2 != 0) throw std::runtime_error("usage: tls_flood PORT KIND COUNT [LINE UNTIL]...");
  const std::string kind = argv[2];
  const int count = std::atoi(argv[3]);
  const Fd socket = connect_to(argv[1]);
  RecordClient client{socket.get()};
  if (!client.connect()) throw std::runtime_error("no handshake");
  for (int i = 4; i < argc; i += 2) say(client, argv[i], argv[i + 1]);
  if (kind == "paced") {
    answer_each(client, count);
    std::cout << "answered\n";
  } else {
    flood(client, kind, count);
    std::cout << (is_ended(client, socket.get()) ? "closed\n" : "open\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
