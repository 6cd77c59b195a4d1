// TlsStream after the handshake: octets both ways, ends, deadlines, hand-over from plaintext.
#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "libcommon/sys/line_reader.h"
#include "tests/unit/tls/test_client.h"

using namespace mailroom;
using namespace mailroom::tls;
using namespace std::chrono_literals;

namespace {

struct Served {
  explicit Served(const SocketPair& sockets) : socket{sockets.server.get(), -1} {
    socket.set_deadline(std::chrono::steady_clock::now() + 5s);
  }
  void accept() { stream = TlsStream::accept(server.context(), socket); }

  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}}};
  SocketStream socket;
  std::unique_ptr<TlsStream> stream;
};

std::string read_all(Stream& stream) {
  std::string all, block(5000, '\0');
  while (const std::size_t size = stream.read(block)) all.append(block, 0, size);
  return all;
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

StreamError::Kind kind_of_failure(const std::function<void()>& action) {
  try {
    action();
  } catch (const StreamError& error) {
    return error.kind;
  }
  FAIL("no StreamError");
  return {};
}

}  // namespace

TEST_CASE("a million octets each way arrive as they were, in both versions") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const std::string bytes = pattern(1'000'003);
  const SocketPair sockets;
  std::string received;
  BesideClient beside{sockets, {.min_version = version, .max_version = version}, [&](TestClient& client) {
                        if (!client.connect()) return;
                        received = client.read(bytes.size());
                        client.write(bytes);
                        client.close();
                      }};
  Served served{sockets};
  served.accept();
  served.stream->write(bytes);
  CHECK(read_all(*served.stream) == bytes);
  served.stream->close();
  beside.finish();
  CHECK(received == bytes);
}

TEST_CASE("STARTTLS: a line reader goes on over TLS") {
  const SocketPair sockets;
  std::string answer;
  BesideClient beside{sockets, {}, [&](TestClient& client) {
                        const int fd = SSL_get_fd(client.ssl());
                        char plain[8];
                        if (::send(fd, "STARTTLS\r\n", 10, 0) != 10 || ::recv(fd, plain, 5, MSG_WAITALL) != 5)
                          return;
                        if (!client.connect()) return;
                        client.write("EHLO x\r\n");
                        answer = client.read(8);
                        client.close();
                      }};
  Served served{sockets};
  LineReader reader{served.socket};
  CHECK(reader.read_line(100) == "STARTTLS\r\n");
  REQUIRE_FALSE(reader.has_buffered());
  served.socket.write("220\r\n");
  served.accept();
  reader.switch_to(*served.stream);
  CHECK(reader.read_line(100) == "EHLO x\r\n");
  served.stream->write("250 hi\r\n");
  CHECK(reader.read_line(100).error() == LineError::closed);
  served.stream->close();
  beside.finish();
  CHECK(answer == "250 hi\r\n");
}

TEST_CASE("the end without close_notify is no orderly end") {
  const SocketPair sockets;
  BesideClient beside{sockets, {}, [](TestClient& client) { client.connect(); }};
  Served served{sockets};
  served.accept();
  char octet;
  CHECK(kind_of_failure([&] { served.stream->read(std::span{&octet, 1}); }) == StreamError::Kind::closed);
}

TEST_CASE("after a read that timed out the farewell still goes out") {
  const SocketPair sockets;
  std::string farewell;
  BesideClient beside{sockets, {}, [&](TestClient& client) {
                        if (!client.connect()) return;
                        farewell = client.read(5);
                        client.write("late");
                        client.close();
                      }};
  Served served{sockets};
  served.accept();
  served.stream->set_deadline(std::chrono::steady_clock::now() + 50ms);
  char octet;
  CHECK(kind_of_failure([&] { served.stream->read(std::span{&octet, 1}); }) == StreamError::Kind::timeout);
  served.stream->set_deadline(std::chrono::steady_clock::now() + 5s);
  served.stream->write("* BYE");
  CHECK(read_all(*served.stream) == "late");
  served.stream->close();
  beside.finish();
  CHECK(farewell == "* BYE");
}

TEST_CASE("a client that reads nothing meets the deadline") {
  const SocketPair sockets;
  BesideClient beside{sockets, {}, [](TestClient& client) { client.connect(); }};
  Served served{sockets};
  served.accept();
  beside.finish();
  served.stream->set_deadline(std::chrono::steady_clock::now() + 50ms);
  const std::string much(8'000'000, 'x');
  CHECK(kind_of_failure([&] { served.stream->write(much); }) == StreamError::Kind::timeout);
  CHECK(kind_of_failure([&] { served.stream->write("more"); }) == StreamError::Kind::timeout);
  served.stream->close();
}

TEST_CASE("key updates, asked for and not") {
  const SocketPair sockets;
  std::string received;
  BesideClient beside{sockets, {}, [&](TestClient& client) {
                        if (!client.connect()) return;
                        client.write("one");
                        client.key_update(true);
                        client.write("two");
                        client.key_update(false);
                        client.write("three");
                        received = client.read(4);
                        client.close();
                      }};
  Served served{sockets};
  served.accept();
  std::string got(11, '\0');
  for (std::size_t have = 0; have < got.size();) have += served.stream->read(std::span{got}.subspan(have));
  CHECK(got == "onetwothree");
  served.stream->write("four");
  CHECK(read_all(*served.stream).empty());
  served.stream->close();
  beside.finish();
  CHECK(received == "four");
}

TEST_CASE("a relay is told of records that bring nothing") {
  const SocketPair sockets;
  std::string received;
  BesideClient beside{sockets, {}, [&](TestClient& client) {
                        if (!client.connect()) return;
                        client.key_update(true);
                        SSL_do_handshake(client.ssl());  // sends the KeyUpdate alone
                        received = client.read(6);
                        client.write("x");
                        client.close();
                      }};
  Served served{sockets};
  served.accept();
  std::array<char, 100> block;
  CHECK(served.stream->take(block).progress == TlsStream::Progress::nothing);
  served.stream->write("notice");
  const auto bytes = served.stream->take(block);
  CHECK(bytes.progress == TlsStream::Progress::bytes);
  CHECK(bytes.size == 1);
  TlsStream::Taken last;
  while ((last = served.stream->take(block)).progress == TlsStream::Progress::nothing) {
  }
  CHECK(last.progress == TlsStream::Progress::end);
  served.stream->close();
  beside.finish();
  CHECK(received == "notice");
}

TEST_CASE("key updates without end are a failure") {
  const SocketPair sockets;
  BesideClient beside{sockets, {}, [&](TestClient& client) {
                        if (!client.connect()) return;
                        for (int i = 0; i < 200; ++i)
                          if (!client.key_update(false) || SSL_do_handshake(client.ssl()) != 1) return;
                      }};
  Served served{sockets};
  served.accept();
  char octet;
  CHECK(kind_of_failure([&] { served.stream->read(std::span{&octet, 1}); }) == StreamError::Kind::failed);
}
