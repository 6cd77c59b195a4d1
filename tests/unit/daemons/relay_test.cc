// The relay between a client's TLS and a session's plain end: it passes on what both say, and ends.
#include "daemons/listener/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <future>

#include "tests/unit/tls/test_client.h"

using namespace mailroom;
using namespace mailroom::tls;
using namespace std::chrono_literals;

namespace {

constexpr auto kEver = 20s;               // how long a test waits for what should come soon
constexpr std::size_t kMore = 1'000'000;  // octets than any socket holds

// A relay with what is around it, but for the client: that is run beside it.
struct Relayed {
  ~Relayed() { stop.client.reset(); }  // ends a relay that would go on for ever

  void start(const RelayPatience& patience) {
    socket.set_deadline(std::chrono::steady_clock::now() + kEver);
    stream = TlsStream::accept(server.context(), socket);
    ended = std::async(std::launch::async, [this, patience] {
      try {
        relay(*stream, sockets.server.get(), inside.server.get(), stop.server.get(), patience);
      } catch (const StreamError&) {
      }
    });
  }
  bool ends() const { return ended.wait_for(kEver) == std::future_status::ready; }

  SocketPair sockets, inside, stop;  // to the client, the session, the listener
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}}};
  SocketStream socket{sockets.server.get(), stop.server.get()};
  std::unique_ptr<TlsStream> stream;
  std::future<void> ended;
};

// Reads and writes as either is possible, until it has `wanted` octets and all of `bytes` are gone.
std::string exchange(TestClient& client, std::string_view bytes, std::size_t wanted) {
  ::signal(SIGPIPE, SIG_IGN);  // the relay may go at any time
  const int fd = SSL_get_fd(client.ssl());
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  SSL_set_mode(client.ssl(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  std::string received, block(16384, '\0');
  bool is_over = false;
  while (received.size() < wanted || !bytes.empty()) {
    const int got = SSL_read(client.ssl(), block.data(), static_cast<int>(block.size()));
    if (got > 0) received.append(block, 0, static_cast<std::size_t>(got));
    const auto portion = static_cast<int>(std::min(bytes.size(), block.size()));
    const int sent = portion > 0 ? SSL_write(client.ssl(), bytes.data(), portion) : 0;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (got > 0 || sent > 0) continue;
    if (is_over) break;
    pollfd entry{fd, static_cast<short>(bytes.empty() ? POLLIN : POLLIN | POLLOUT), 0};
    if (::poll(&entry, 1, static_cast<int>(std::chrono::milliseconds{kEver}.count())) <= 0) break;
    is_over = (entry.revents & (POLLERR | POLLHUP)) != 0;
  }
  return received;
}

}  // namespace

TEST_CASE("a relay goes on while client and session both say more than anything holds") {
  const std::string from_session(kMore, 's'), from_client(kMore, 'c');
  Relayed relayed;
  std::string to_client;
  BesideClient client{relayed.sockets, {.max_version = TLS1_2_VERSION}, [&](TestClient& tls) {
                        if (tls.connect()) to_client = exchange(tls, from_client, from_session.size());
                      }};
  relayed.start({});
  SocketStream session{relayed.inside.client.get(), -1};
  session.set_deadline(std::chrono::steady_clock::now() + kEver);
  std::string to_session(kMore, '\0');
  const auto talk = [&] {  // as one that has many commands in a row to answer
    session.write(from_session);
    for (std::size_t have = 0; have < to_session.size();)
      have += session.read(std::span{to_session}.subspan(have));
  };
  CHECK_NOTHROW(talk());
  client.finish();
  CHECK(to_client == from_session);
  CHECK(to_session == from_client);
}

TEST_CASE("no client keeps a relay for longer than its patience when the session has ended") {
  const bool takes_nothing = GENERATE(false, true);
  Relayed relayed;
  std::promise<void> over;
  BesideClient client{relayed.sockets, {.max_version = TLS1_2_VERSION}, [&](TestClient& tls) {
                        if (!tls.connect()) return;
                        const std::string_view half = takes_nothing ? "" : "\x17\x03\x03";  // a header's
                        ::send(SSL_get_fd(tls.ssl()), half.data(), half.size(), MSG_NOSIGNAL);
                        over.get_future().wait();
                      }};
  relayed.start({.record = 100ms, .last_words = 100ms});
  const std::string words(kMore, 's');
  if (takes_nothing)
    ::send(relayed.inside.client.get(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  relayed.inside.client.reset();
  CHECK(relayed.ends());
  over.set_value();
}

TEST_CASE("what a session says last is passed on, though it has not taken what the client said") {
  Relayed relayed;
  std::string received;
  BesideClient client{relayed.sockets, {.max_version = TLS1_2_VERSION}, [&](TestClient& tls) {
                        if (tls.connect()) received = exchange(tls, std::string(kMore, 'c'), 7);
                      }};
  relayed.start({});
  const auto has_room = [&] {
    pollfd entry{relayed.inside.server.get(), POLLOUT, 0};
    return ::poll(&entry, 1, 0) == 1;
  };
  while (has_room()) std::this_thread::sleep_for(1ms);
  const std::string_view bye = "* BYE\r\n";
  CHECK(::send(relayed.inside.client.get(), bye.data(), bye.size(), MSG_NOSIGNAL) == 7);
  relayed.inside.client.reset();
  CHECK(relayed.ends());
  relayed.sockets.server.reset();
  client.finish();
  CHECK(received == bye);
}
