#include "libcommon/ipc/channel.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace {

using namespace mailroom;
using Wait = ipc::PacketSocket::Wait;

struct Word {
  std::string text;
  static auto fields(auto& m) { return std::tie(m.text); }
};
using Message = std::variant<Word>;
using Channel = ipc::MessageChannel<Message, Message>;

struct Pair {
  Pair() {
    auto [left, right] = ipc::make_channel();
    a = Channel{std::move(left)};
    b = Channel{std::move(right)};
  }
  Channel a, b;
};

TEST_CASE("messages arrive whole and in order") {
  Pair pair;
  pair.a.send(Word{"one"});
  pair.a.send(Word{std::string(64 * 1024, 'x')});
  CHECK(std::get<Word>(pair.b.receive()->message).text == "one");
  CHECK(std::get<Word>(pair.b.receive()->message).text.size() == 64 * 1024);
  CHECK(pair.b.receive(Wait::no).error() == ipc::ReceiveError::would_block);
}

TEST_CASE("a descriptor goes along, close-on-exec") {
  Pair pair;
  const Fd null{::open("/dev/null", O_RDONLY)};
  const int raw = null.get();
  pair.a.send(Word{"with"}, {&raw, 1});
  auto received = pair.b.receive(Wait::yes, 1);
  REQUIRE(received);
  REQUIRE(received->descriptors.size() == 1);
  CHECK((::fcntl(received->descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 256; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

TEST_CASE("descriptors that come with an empty packet are closed with the channel") {
  Pair pair;
  const Fd null{::open("/dev/null", O_RDONLY)};
  const int raw[] = {null.get(), null.get()};
  const std::size_t before = open_descriptors();
  ipc::PacketSocket sender{pair.a.take()};
  sender.send("", Wait::no, raw);
  CHECK(pair.b.receive(Wait::yes, 1).error() != ipc::ReceiveError::would_block);
  CHECK(open_descriptors() == before);
}

TEST_CASE("descriptors that were not allowed are closed, and the packet is refused") {
  Pair pair;
  const Fd null{::open("/dev/null", O_RDONLY)};
  const int raw[] = {null.get(), null.get(), null.get()};
  const std::size_t before = open_descriptors();
  pair.a.send(Word{"smuggled"}, raw);
  CHECK(pair.b.receive(Wait::yes, 0).error() == ipc::ReceiveError::malformed);
  CHECK(open_descriptors() == before);
}

TEST_CASE("a packet that is longer than the bound, or does not decode, is malformed") {
  Pair pair;
  const std::string huge(ipc::kMaxPacket + 1, 'x');
  REQUIRE(::send(pair.a.fd(), huge.data(), huge.size(), 0) == static_cast<ssize_t>(huge.size()));
  CHECK(pair.b.receive().error() == ipc::ReceiveError::malformed);
  REQUIRE(::send(pair.a.fd(), "\x07", 1, 0) == 1);
  CHECK(pair.b.receive().error() == ipc::ReceiveError::malformed);
}

TEST_CASE("the end of the peer is seen, on both sides") {
  Pair pair;
  pair.a.close();
  CHECK(pair.b.receive().error() == ipc::ReceiveError::closed);
  CHECK(pair.b.send(Word{"late"}) == ipc::SendResult::closed);
}

TEST_CASE("a deadline ends waiting") {
  Pair pair;
  const auto start = std::chrono::steady_clock::now();
  CHECK(pair.b.receive(Wait::yes, 0, start + std::chrono::milliseconds{20}).error() ==
        ipc::ReceiveError::would_block);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds{20});
}

}  // namespace
