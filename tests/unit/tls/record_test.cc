// The record layer that a session goes on with: against OpenSSL's client, against OpenSSL's server, and by
// itself.
#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "libcommon/ipc/codec.h"
#include "libcommon/tls/record_stream.h"
#include "tests/unit/tls/record_client.h"

using namespace mailroom;
using namespace mailroom::tls;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

std::string read_exactly(Stream& stream, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const std::size_t more = stream.read(std::span{bytes}.subspan(have));
    if (more == 0) break;
    have += more;
  }
  bytes.resize(have);
  return bytes;
}

std::string read_all(Stream& stream) {
  std::string all, block(5000, '\0');
  while (const std::size_t size = stream.read(block)) all.append(block, 0, size);
  return all;
}

// A server's connection up to the point where it may move.
struct Connection {
  explicit Connection(const SocketPair& sockets) : socket{sockets.server.get(), -1} {
    socket.set_deadline(std::chrono::steady_clock::now() + 5s);
    before = TlsStream::accept(server.context(), socket);
  }
  RecordStream move() {
    auto state = before->release();
    REQUIRE(state);
    before.reset();
    auto arrived = ipc::decode<RecordState>(ipc::encode(*state));  // as it travels to the session
    REQUIRE(arrived);
    return RecordStream{std::move(*arrived), socket};
  }

  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}}};
  SocketStream socket;
  std::unique_ptr<TlsStream> before;
};

}  // namespace

TEST_CASE("a connection moves and the client notices nothing, with each suite") {
  const auto suite = GENERATE(as<std::string>{}, "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                              "TLS_CHACHA20_POLY1305_SHA256");
  const std::string much = pattern(300'001);
  const SocketPair sockets;
  std::vector<std::string> received;
  bool closed = false;
  BesideClient beside{sockets, {.suites = suite}, [&](TestClient& client) {
                        if (!client.connect()) return;
                        received.push_back(client.read(5));
                        client.write("a LOGIN u p\r\n");
                        received.push_back(client.read(4));
                        client.write(much);
                        received.push_back(client.read(much.size()));
                        client.key_update(true);
                        client.write("after update");
                        received.push_back(client.read(6));
                        client.key_update(false);
                        client.write("again");
                        closed = client.close();
                      }};
  Connection connection{sockets};
  connection.before->write("hello");
  CHECK(read_exactly(*connection.before, 13) == "a LOGIN u p\r\n");
  RecordStream stream = connection.move();
  stream.write("a OK");
  CHECK(read_exactly(stream, much.size()) == much);
  stream.write(much);
  CHECK(read_exactly(stream, 12) == "after update");
  stream.write("update");
  CHECK(read_all(stream) == "again");
  stream.close();
  beside.finish();
  CHECK(closed);
  CHECK(received == std::vector<std::string>{"hello", "a OK", much, "update"});
}

TEST_CASE("what the client has sent before the move is not lost") {
  const SocketPair sockets;
  BesideClient beside{sockets, {}, [&](TestClient& client) {
                        if (!client.connect()) return;
                        client.write("login and more in its record,");
                        client.write(" and in the next,");
                        client.write(" and the last.");
                        client.close();
                      }};
  Connection connection{sockets};
  CHECK(read_exactly(*connection.before, 5) == "login");
  // Let the rest arrive, and partly be read ahead.
  const std::size_t taken = GENERATE(0, 1, 23, 24, 30, 41, 42);
  const std::string more = read_exactly(*connection.before, taken);
  RecordStream stream = connection.move();
  CHECK(more + read_all(stream) == " and more in its record, and in the next, and the last.");
  stream.close();
}

TEST_CASE("where connections may not move, they stay") {
  const ThrowawayIdentity identity = make_throwaway_identity(KeyType::ecdsa_p256, "mail.example");
  auto context = ServerContext::make({.identities = {{{"mail.example"}, identity.chain_pem}},
                                      .protocol = "smtp",
                                      .tolerance = {},
                                      .may_move = false});
  REQUIRE(context.has_value());
  LocalSigner signer{identity.key};
  context->bind_signer(signer);
  const SocketPair sockets;
  BesideClient beside{sockets, {}, [](TestClient& client) {
                        if (!client.connect()) return;
                        client.write("hello");
                        client.close();
                      }};
  SocketStream socket{sockets.server.get(), -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 5s);
  const auto stream = TlsStream::accept(*context, socket);
  CHECK_FALSE(stream->release().has_value());
  CHECK(read_all(*stream) == "hello");
  stream->close();
}

TEST_CASE("a connection moves twice") {
  const SocketPair sockets;
  BesideClient beside{sockets, {}, [&](TestClient& client) {
                        if (!client.connect()) return;
                        client.write("one");
                        client.key_update(true);
                        client.write("two");
                        client.write("three");
                        client.write(client.read(4));
                        client.close();
                      }};
  Connection connection{sockets};
  RecordStream first = connection.move();
  CHECK(read_exactly(first, 5) == "onetw");
  RecordState between = std::move(first).release();
  CHECK(between.update_owed);
  CHECK(between.plaintext == "o");
  RecordStream second{std::move(between), connection.socket};
  CHECK(read_exactly(second, 6) == "othree");
  second.write("four");
  CHECK(read_all(second) == "four");
  second.close();
}

TEST_CASE("a connection that has moved is not used any more, unless nobody took it") {
  const SocketPair sockets;
  std::string answer;
  bool closed = false;
  BesideClient beside{sockets, {}, [&](TestClient& client) {
                        if (!client.connect()) return;
                        client.write("one");
                        answer = client.read(2);
                        closed = client.close();
                      }};
  Connection connection{sockets};
  CHECK(read_exactly(*connection.before, 3) == "one");
  REQUIRE(connection.before->release());
  CHECK_FALSE(connection.before->release());
  std::array<char, 10> block;
  CHECK_THROWS_AS(connection.before->write("no"), StreamError);
  CHECK_THROWS_AS(connection.before->read(block), StreamError);
  connection.before->close();
  connection.before->reclaim();
  connection.before->write("NO");
  connection.before->close();
  beside.finish();
  CHECK(answer == "NO");
  CHECK(closed);
}

TEST_CASE("TLS 1.2, and a connection that has updated a key, stay where they are") {
  const bool updated = GENERATE(false, true);
  const SocketPair sockets;
  std::string answer;
  BesideClient beside{
      sockets, {.max_version = updated ? TLS1_3_VERSION : TLS1_2_VERSION}, [&](TestClient& client) {
        if (!client.connect()) return;
        if (updated) client.key_update(false);
        client.write("one");
        answer = client.read(3);
        client.write("two");
        client.close();
      }};
  Connection connection{sockets};
  CHECK(read_exactly(*connection.before, 3) == "one");
  CHECK_FALSE(connection.before->release());
  connection.before->write("yes");
  CHECK(read_all(*connection.before) == "two");
  connection.before->close();
  beside.finish();
  CHECK(answer == "yes");
}

// ---- Differential: the same records go to OpenSSL's server and to ours.

namespace {

struct Outcome {
  std::string received;  // by the server, until the end
  int alert = -1;        // that the server sent
  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << outcome.received.size() << " octets, alert " << outcome.alert;
}

// What the client sends after the handshake.
using Script = std::function<void(RecordClient&)>;

enum class Side { openssl, ours };

Outcome play(Side side, const Script& script) {
  const SocketPair sockets;
  Outcome outcome;
  std::jthread client_thread{[&] {
    RecordClient client{sockets.client.get()};
    if (client.connect()) script(client);
    ::shutdown(sockets.client.get(), SHUT_WR);
    outcome.alert = client.open ? client.read_alert() : -3;
  }};
  {
    Connection connection{sockets};
    std::optional<RecordStream> moved;
    if (side == Side::ours) moved.emplace(connection.move());
    Stream& stream = moved ? static_cast<Stream&>(*moved) : *connection.before;
    try {
      std::string block(4096, '\0');
      while (const std::size_t size = stream.read(block)) outcome.received.append(block, 0, size);
      if (moved)
        moved->close();
      else
        connection.before->close();
    } catch (const StreamError&) {  // what came before counts, and the alert
    }
  }
  ::shutdown(sockets.server.get(), SHUT_RDWR);
  client_thread.join();
  return outcome;
}

// In this order (operands of + may be evaluated in any).
std::string join(std::initializer_list<std::string> records) {
  std::string all;
  for (const std::string& record : records) all += record;
  return all;
}

const std::string kCloseNotify = "\1\0"s;

}  // namespace

TEST_CASE("records as they may be: OpenSSL and we take the same") {
  const Script script = GENERATE(
      as<Script>{},
      [](auto& c) {
        c.send(join({c.sealed(kData, "one"), c.sealed(kData, "two"), c.sealed(kAlert, kCloseNotify)}));
      },
      [](auto& c) {
        c.send(join({c.sealed(kData, ""), c.sealed(kData, "x"), c.sealed(kAlert, kCloseNotify)}));
      },
      [](auto& c) {
        c.send(
            join({c.sealed(kData, "padded", 1000), c.sealed(kData, "", 7), c.sealed(kAlert, kCloseNotify)}));
      },
      [](auto& c) {
        c.send(join({c.sealed(kData, pattern(16384)), c.sealed(kAlert, kCloseNotify)}));
      },
      [](auto& c) {
        c.send(join({c.sealed(kData, pattern(16000), 384), c.sealed(kAlert, kCloseNotify)}));
      },
      [](auto& c) {
        c.send(join({c.sealed(kData, "zeros at the end\0\0\0"s), c.sealed(kAlert, kCloseNotify)}));
      },
      [](auto& c) {
        c.send(join({c.sealed(kData, "old"), c.sealed(kHandshake, kKeyUpdate)}));
        c.seal->update();
        c.send(join({c.sealed(kData, "new"), c.sealed(kAlert, kCloseNotify)}));
      },
      [](auto& c) {
        for (const char octet : join({c.sealed(kData, "octet by octet"), c.sealed(kAlert, kCloseNotify)}))
          c.send({octet});
      },
      [](auto& c) {
        c.send(join({c.sealed(kAlert, kCloseNotify), c.sealed(kData, "too late")}));
      });
  const Outcome openssl = play(Side::openssl, script);
  CHECK(openssl.alert == 0);
  CHECK(play(Side::ours, script) == openssl);
}

TEST_CASE("records as they may not be: the same is read before, and the same alert is sent") {
  struct Row {
    Script script;
    int alert;  // RFC 8446
    bool openssl_agrees = true;
  };
  const Row row = GENERATE(
      as<Row>{},
      Row{[](auto& c) {  // a changed octet
            std::string record = c.sealed(kData, "text");
            record.back() = static_cast<char>(record.back() ^ 1);
            c.send(join({c.sealed(kData, "good"), record}));
          },
          20},
      Row{[](auto& c) {  // a changed length in the header, which is authenticated
            std::string record = c.sealed(kData, "text");
            record[4] = static_cast<char>(record[4] - 1);
            record.pop_back();
            c.send(record);
          },
          20},
      Row{[](auto& c) {  // two in the wrong order
            const std::string first = c.sealed(kData, "first"), second = c.sealed(kData, "second");
            c.send(second + first);
          },
          20},
      Row{[](auto& c) {  // a repeated one
            const std::string record = c.sealed(kData, "twice");
            c.send(record + record);
          },
          20},
      Row{[](auto& c) { c.send("\x17\3\3\0\x05"s + "short"); }, 20},
      Row{[](auto& c) { c.send("\x17\3\3\x41\x01"s + std::string(16641, 'x')); }, 22},
      Row{[](auto& c) { c.send("\x17\3\3\xff\xff"s + std::string(65535, 'x')); }, 22},
      // Section 5.4: the padding must not make it longer.  OpenSSL lets that pass.
      Row{[](auto& c) { c.send(c.sealed(kData, pattern(16384), 1)); }, 22, false},
      Row{[](auto& c) { c.send(c.sealed(kData, pattern(16385))); }, 22},
      Row{[](auto& c) { c.send(c.sealed(0, "")); }, 10},  // nothing but zeros
      Row{[](auto& c) { c.send(c.sealed(0, "", 100)); }, 10},
      Row{[](auto& c) { c.send(c.sealed(24, "heartbeat?")); }, 10},  // unknown types
      Row{[](auto& c) { c.send(c.sealed(99, "what?")); }, 10},
      Row{[](auto& c) { c.send(c.sealed(20, "\1")); }, 10},            // protected ChangeCipherSpec
      Row{[](auto& c) { c.send("\x16\3\3\0\5"s + kKeyUpdate); }, 10},  // not protected
      Row{[](auto& c) { c.send("\x15\3\3\0\2"s + kCloseNotify); }, 10},
      Row{[](auto& c) { c.send(c.sealed(kHandshake, "\x18\0\0\1\2"s)); }, 47},
      Row{[](auto& c) { c.send(c.sealed(kHandshake, kKeyUpdate + kKeyUpdate)); }, 10},
      Row{[](auto& c) { c.send(c.sealed(kHandshake, "\1\0\0\1x"s)); }, 10},  // a ClientHello, of sorts
      Row{[](auto& c) { c.send(c.sealed(kHandshake, "")); }, 10},
      Row{[](auto& c) {  // the key is not updated after the message that says so
            c.send(join({c.sealed(kHandshake, kKeyUpdate), c.sealed(kData, "old key")}));
          },
          20},
      Row{[](auto& c) {
            for (int i = 0; i < 100; ++i) c.send(c.sealed(kData, ""));
          },
          10},
      Row{[](auto& c) {
            for (int i = 0; i < 100; ++i) {
              c.send(c.sealed(kHandshake, kKeyUpdateRequest));
              c.seal->update();
            }
          },
          10, false});  // OpenSSL sets no limit; TlsStream does
  const Outcome ours = play(Side::ours, row.script);
  CHECK(ours.alert == row.alert);
  const Outcome openssl = play(Side::openssl, row.script);
  if (!row.openssl_agrees) return;
  CHECK((ours.received == openssl.received));
  CHECK(ours.alert == openssl.alert);
}

// ---- By itself, in memory.

namespace {

class MemoryStream : public Stream {
 public:
  std::string input, output;
  std::size_t at_once = 1 << 20;

  std::size_t read(std::span<char> into) override {
    if (input.empty()) throw StreamError{StreamError::Kind::timeout, "nothing there"};
    const std::size_t size = input.copy(into.data(), std::min(into.size(), at_once));
    input.erase(0, size);
    return size;
  }
  void write(std::string_view bytes) override { output.append(bytes); }
  void set_deadline(std::chrono::steady_clock::time_point) override {}
};

RecordState made_up_state() {
  return {.suite = Suite::aes_128_gcm_sha256,
          .client_secret = std::string(32, 'c'),
          .server_secret = std::string(32, 's')};
}

}  // namespace

TEST_CASE("a read that times out within a record goes on where it was") {
  RecordKey client{RecordKey::Use::seal, Suite::aes_128_gcm_sha256, std::string(32, 'c'), 0};
  std::string record;
  client.seal(kData, "whole", record);
  for (std::size_t cut = 0; cut < record.size(); ++cut) {
    MemoryStream memory;
    memory.at_once = 1 + cut % 3;
    RecordStream stream{made_up_state(), memory};
    std::array<char, 10> block;
    memory.input = record.substr(0, cut);
    CHECK_THROWS_AS(stream.read(block), StreamError);
    memory.input = record.substr(cut);
    CHECK(read_exactly(stream, 5) == "whole");
    CHECK(memory.output.empty());
  }
}

TEST_CASE("what is absorbed octet by octet never waits for the rest") {
  RecordKey client{RecordKey::Use::seal, Suite::aes_128_gcm_sha256, std::string(32, 'c'), 0};
  std::string update, text;
  client.seal(kHandshake, "\x18\0\0\1\0"s, update);
  client.update();
  client.seal(kData, "text", text);
  MemoryStream memory;
  RecordStream stream{made_up_state(), memory};
  for (const char octet : update + text.substr(0, text.size() - 1)) {
    memory.input = octet;
    CHECK_FALSE(stream.absorb());
  }
  memory.input = text.back();
  CHECK(stream.absorb());
  CHECK(stream.absorb());  // until it is read
  CHECK(stream.has_input());
  CHECK(read_exactly(stream, 4) == "text");
  CHECK_FALSE(stream.has_input());
  memory.input = "nonsense";
  CHECK_THROWS_AS(stream.absorb(), StreamError);
  CHECK(stream.absorb());  // read() will say what is wrong
}

TEST_CASE("our key is updated before it has protected too much") {
  RecordState state = made_up_state();
  state.server_sequence = kRecordsOfOneKey - 1;
  MemoryStream memory;
  RecordStream stream{state, memory};
  stream.write("last");
  stream.write("first");
  RecordKey client{RecordKey::Use::open, state.suite, state.server_secret, state.server_sequence};
  const auto next = [&] {
    const std::size_t size = kRecordHeader + static_cast<unsigned char>(memory.output[4]);
    std::string record = memory.output.substr(0, size);
    memory.output.erase(0, size);
    const std::string header = record.substr(0, kRecordHeader);
    const auto inner = client.open(header, std::span{record}.subspan(kRecordHeader));
    return inner ? std::string(inner->begin(), inner->end()) : "not authentic";
  };
  CHECK(next() == "last\x17");
  CHECK(next() == kKeyUpdate + "\x16");
  client.update();
  CHECK(next() == "first\x17");
  CHECK(memory.output.empty());
}

TEST_CASE("a state that is not well formed is refused") {
  MemoryStream memory;
  RecordState state = made_up_state();
  state.suite = Suite::aes_256_gcm_sha384;
  CHECK_THROWS_AS((RecordStream{state, memory}), StreamError);
}

TEST_CASE("after a failure nothing more is read or sent") {
  MemoryStream memory;
  RecordStream stream{made_up_state(), memory};
  memory.input = "GET / HTTP/1.1\r\n\r\n";
  std::array<char, 10> block;
  CHECK_THROWS_AS(stream.read(block), StreamError);
  const std::string alert = memory.output;
  CHECK_THROWS_AS(stream.read(block), StreamError);
  CHECK_THROWS_AS(stream.write("x"), StreamError);
  stream.close();
  CHECK(memory.output == alert);
}
