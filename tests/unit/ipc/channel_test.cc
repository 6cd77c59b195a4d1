#include "libcommon/ipc/channel.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

#include "libcommon/event/channel_handler.h"

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

struct Letter {
  std::string from, text;
  std::uint32_t number = 0;
  std::string more;
  bool operator==(const Letter&) const = default;
  static auto fields(auto& m) { return std::tie(m.from, m.text, m.number, m.more); }
};

TEST_CASE("long strings, which are not copied, arrive in their place") {
  using Letters = ipc::MessageChannel<std::variant<Letter>, std::variant<Letter>>;
  auto [left, right] = ipc::make_channel();
  Letters a{std::move(left)}, b{std::move(right)};
  const std::string nearly(ipc::kLongString - 1, 'n'), just(ipc::kLongString, 'j'), second(10'000, 's');
  for (const Letter& letter :
       {Letter{"", nearly, 1, nearly}, Letter{"x", just, 2, "y"}, Letter{just, "z", 3, ""},
        Letter{"x", just, 4, second}, Letter{"x", "", 5, second}}) {
    a.send(letter);
    CHECK(std::get<Letter>(b.receive()->message) == letter);
  }
}

TEST_CASE("what a peer does not take at once waits whole and in order") {
  constexpr std::uint32_t kLetters = 500;  // more than a socket holds
  mailroom::event::Loop loop;
  auto [left, right] = ipc::make_channel();
  mailroom::event::ChannelHandler<std::variant<Letter>, std::variant<Letter>> a{
      loop, std::move(left), 0, [](std::variant<Letter>&&, std::vector<Fd>&&) {},
      [](mailroom::event::ChannelEnd) {}};
  for (std::uint32_t i = 0; i < kLetters; ++i) a.send(Letter{"x", std::string(60'000, 'l'), i, "y"});
  REQUIRE(a.queued() > 0);

  std::uint32_t arrived = 0;
  ipc::MessageChannel<std::variant<Letter>, std::variant<Letter>> b{std::move(right)};
  const mailroom::event::ReadWatch readable{
      loop, b.fd(), [&] {
        const auto letter = std::get<Letter>(b.receive()->message);
        CHECK(letter == Letter{"x", std::string(60'000, 'l'), arrived, "y"});
        if (++arrived == kLetters) loop.stop();
      }};
  loop.run();
  CHECK(a.queued() == 0);
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

// How a channel of this descriptor ends, by itself; nothing when it does not.
std::optional<mailroom::event::ChannelEnd> end_of(Fd fd) {
  mailroom::event::Loop loop;
  std::optional<mailroom::event::ChannelEnd> end;
  mailroom::event::ChannelHandler<Message, Message> handler{loop, std::move(fd), 0,
                                                            [](Message&&, std::vector<Fd>&&) {},
                                                            [&](mailroom::event::ChannelEnd why) {
                                                              end = why;
                                                              loop.stop();
                                                            }};
  mailroom::event::Timer patience{loop, [&] { loop.stop(); }};
  patience.start(std::chrono::seconds{10});
  loop.run();
  return end;
}

}  // namespace

// A peer hands over what is no socket where a channel is due: it must not stay open for good.
TEST_CASE("a channel of what is no socket ends at once") {
  const char* const path = GENERATE("/", "/dev/zero", "/dev/null");
  const int flags = GENERATE(O_RDONLY | O_CLOEXEC, O_PATH | O_CLOEXEC);
  CHECK(end_of(Fd{::open(path, flags)}) == mailroom::event::ChannelEnd::malformed);
}

// Something in its error queue wakes the reader, who finds nothing to receive, for as long as the other end
// is there.
TEST_CASE("a channel of a socket that always wakes and has nothing ends") {
  const Fd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  Fd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  const Fd far{::accept(listener.get(), nullptr, nullptr)};

  char octet = 'x';
  iovec part{&octet, 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(std::uint32_t))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SO_TIMESTAMPING;
  header->cmsg_len = CMSG_LEN(sizeof(std::uint32_t));
  const std::uint32_t wanted = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK;
  std::memcpy(CMSG_DATA(header), &wanted, sizeof wanted);
  REQUIRE(::sendmsg(client.get(), &message, 0) == 1);
  REQUIRE(::read(far.get(), &octet, 1) == 1);
  pollfd errors{client.get(), 0, 0};
  REQUIRE(::poll(&errors, 1, 10'000) == 1);

  CHECK(end_of(std::move(client)) == mailroom::event::ChannelEnd::malformed);
}

TEST_CASE("what goes on sending is not drained for ever") {
  constexpr int kMany = 100'000;
  mailroom::event::Loop loop;
  auto [left, right] = ipc::make_channel();
  Channel peer{std::move(right)};
  int heard = 0;
  mailroom::event::ChannelHandler<Message, Message> handler{loop, std::move(left), 0,
                                                            [&](Message&&, std::vector<Fd>&&) {
                                                              if (++heard < kMany) peer.send(Word{});
                                                            },
                                                            [](mailroom::event::ChannelEnd) {}};
  peer.send(Word{});
  handler.drain();
  CHECK(heard > 0);
  CHECK(heard < kMany);
}

// A message that takes long is not followed by a burst of others of the same channel.
TEST_CASE("a channel with work that takes long leaves room for others") {
  mailroom::event::Loop loop;
  auto [left, right] = ipc::make_channel();
  Channel peer{std::move(right)};
  for (int i = 0; i < mailroom::event::ChannelHandler<Message, Message>::kBurst; ++i) peer.send(Word{});
  auto [other_left, other_right] = ipc::make_channel();
  Channel other_peer{std::move(other_right)};
  int heard = 0;
  mailroom::event::ChannelHandler<Message, Message> other{loop, std::move(other_left), 0,
                                                          [&](Message&&, std::vector<Fd>&&) { loop.stop(); },
                                                          [](mailroom::event::ChannelEnd) {}};
  mailroom::event::ChannelHandler<Message, Message> busy{loop, std::move(left), 0,
                                                         [&](Message&&, std::vector<Fd>&&) {
                                                           std::this_thread::sleep_for(2 * busy.kTurn);
                                                           if (++heard == 1) other_peer.send(Word{});
                                                         },
                                                         [](mailroom::event::ChannelEnd) {}};
  loop.run();
  CHECK(heard < busy.kBurst / 2);
}
