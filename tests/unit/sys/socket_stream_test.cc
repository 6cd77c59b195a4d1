// How a stream ends when its process is told to.
#include "libcommon/sys/socket_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>
#include <utility>

using namespace mailroom;
using namespace std::chrono_literals;

namespace {

std::pair<Fd, Fd> pair_of(int type) {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0);
  return {Fd{ends[0]}, Fd{ends[1]}};
}

struct Connection {
  std::pair<Fd, Fd> client = pair_of(SOCK_STREAM), stop = pair_of(SOCK_SEQPACKET);
  SocketStream stream{client.first.get(), stop.first.get()};

  std::string read() {
    char into[16];
    return {into, stream.read(into)};
  }
  void say(std::string_view words) { CHECK(::write(client.second.get(), words.data(), words.size()) > 0); }
  void half_close() { ::shutdown(stop.second.get(), SHUT_WR); }
};

StreamError::Kind failure_of(Connection& connection) {
  try {
    connection.read();
  } catch (const StreamError& error) {
    return error.kind;
  }
  FAIL("it was read");
  return {};
}

}  // namespace

TEST_CASE(
    "without patience the end of the stop descriptor ends the stream, also when there is something to read") {
  Connection connection;
  connection.say("words");
  GENERATE(true, false) ? connection.half_close() : connection.stop.second.reset();
  CHECK_THROWS_AS(connection.read(), Stopped);
  CHECK_FALSE(connection.stream.is_told_to_end());
}

TEST_CASE("with patience what comes in time is read, and nothing after it") {
  Connection connection;
  connection.stream.set_patience(10s);
  connection.half_close();
  std::jthread later{[&] {
    std::this_thread::sleep_for(20ms);
    connection.say("words");
  }};
  CHECK(connection.read() == "words");
  CHECK(connection.stream.is_told_to_end());
  connection.say("more");
  CHECK(connection.read() == "more");
  connection.stream.set_patience(0s);
  connection.say("more");
  CHECK_THROWS_AS(connection.read(), Stopped);
}

TEST_CASE("patience has an end, and so has a deadline") {
  Connection connection;
  const bool by_deadline = GENERATE(true, false);
  connection.stream.set_patience(by_deadline ? 10s : 20ms);
  if (by_deadline) connection.stream.set_deadline(std::chrono::steady_clock::now() + 20ms);
  connection.half_close();
  CHECK(failure_of(connection) == StreamError::Kind::timeout);
}

TEST_CASE("nobody is left to be patient for") {
  Connection connection;
  connection.stream.set_patience(10s);
  const bool told_before = GENERATE(true, false);
  if (told_before) connection.half_close();
  std::jthread later{[&] {
    std::this_thread::sleep_for(20ms);
    connection.stop.second.reset();
  }};
  CHECK_THROWS_AS(connection.read(), Stopped);
}
