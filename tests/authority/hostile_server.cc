// A taken-over authd, policyd, queued, deliverd, keyd, dnsd, stsd, krbd, kdcd, certd, relayd or logd: on each
// channel that it gets it says what it has no right to, then what is no message at all.
// tests/breach/30-servers.t and 34-logd.t put it in the place of the real one: who hears it must refuse, say
// so, and go on.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <deque>
#include <random>

#include "daemons/base/tool_sessions.h"
#include "daemons/channels/authd.h"
#include "daemons/channels/certd.h"
#include "daemons/channels/deliverd.h"
#include "daemons/channels/dnsd.h"
#include "daemons/channels/kdcd.h"
#include "daemons/channels/keyd.h"
#include "daemons/channels/krbd.h"
#include "daemons/channels/policyd.h"
#include "daemons/channels/queued.h"
#include "daemons/channels/relayd.h"
#include "daemons/channels/stsd.h"
#include "daemons/channels/tools_logd.h"
#include "daemons/daemon.h"

#ifndef TWIN_OF
#error "TWIN_OF names the role"
#endif

namespace {

using namespace mailroom;
using ipc::PacketSocket;

constexpr ConnectionId kNobodysConnection = 0xdeadbeef;
constexpr AccountId kNoAccount = 0xffffffff;
constexpr QueueId kNoMessage = 0xfffffffffff;
constexpr std::chrono::milliseconds kPause{
    300};  // between what is said on one channel: each is answered before the next
constexpr int kJunkPackets = 32;
constexpr std::chrono::seconds kUntilMore{5};  // when all else has been said
// Of account directories: the question is a packet, an answer to it would be none.
constexpr std::size_t kTooMany = ipc::kMaxPacket / sizeof(AccountId) - 2;

struct Words {
  std::string bytes;
  bool with_descriptor = false;
};

template <typename Variant>
Words say(const Variant& message, bool with_descriptor = false) {
  return {ipc::encode(message), with_descriptor};
}

Recipient recipient_with(AccountId account) {
  Recipient recipient;
  recipient.address = "victim@sandbox.test";
  recipient.accounts = {account};
  return recipient;
}

AuthoriseRecipient envelope_for(ConnectionId connection, AccountId account) {
  AuthoriseRecipient envelope;
  envelope.connection = connection;
  envelope.transaction = 1;
  envelope.recipient = recipient_with(account);
  return envelope;
}

Deliver delivery_into(AccountId account, std::uint64_t memfd_size) {
  Deliver delivery;
  delivery.id = {kNoMessage, 1};
  delivery.account = account;
  delivery.top = "Return-Path: <>\r\n";
  delivery.content = "forged";
  delivery.memfd_size = memfd_size;
  return delivery;
}

// What has a meaning that it must not have, by the kind of the channel.
std::deque<Words> claims_on(std::string_view kind) {
  if (kind == "authd-policyd") {
    if (Role::TWIN_OF == Role::authd)
      return {say(AuthdToPolicyd{NameProved{kNobodysConnection, "alice"}}),
              say(AuthdToPolicyd{SecretChanged{"nobody at all"}}),
              say(AuthdToPolicyd{NameProved{0, std::string(1000, 'x')}})};
    return {say(PolicydToAuthd{Admitted{kNobodysConnection}}),
            say(PolicydToAuthd{NotAdmitted{0, LoginRefusal::expired}})};
  }
  if (kind == "policyd-queued") {
    if (Role::TWIN_OF == Role::policyd)
      return {say(PolicydToQueued{envelope_for(kNobodysConnection, 1)}),
              say(PolicydToQueued{envelope_for(0, kNoAccount)}),
              say(PolicydToQueued{WithdrawEnvelope{kNobodysConnection}})};
    return {say(QueuedToPolicyd{Authorised{kNobodysConnection, 1, 0, {}}})};
  }
  if (kind == "queued-deliverd") {
    if (Role::TWIN_OF == Role::queued)
      return {say(QueuedToDeliverd{delivery_into(0, 0)}), say(QueuedToDeliverd{delivery_into(kNoAccount, 0)}),
              say(QueuedToDeliverd{delivery_into(1, 6)}, true),
              say(QueuedToDeliverd{delivery_into(1, 1ULL << 40)}, true)};
    return {say(DeliverdToQueued{Delivered{{{kNoMessage, 1}, {0, 0}}}}),
            say(DeliverdToQueued{
                NotDelivered{{kNoMessage, 1}, DeliveryFailure::system_error, "\n\x1b]0;x\a forged=1"}})};
  }
  if (kind == "queued-dnsd" || kind == "policyd-dnsd")  // answers that nobody asked for
    return {say(DnsdToAsker{LookedUp{1, {}}}), say(DnsdToAsker{MailHostsFound{1, {}}}),
            say(DnsdToAsker{LookedUp{kNobodysConnection, {}}})};
  if (kind == "policyd-stsd")
    return {say(StsdToPolicyd{StsFileFetched{1, std::string(60'000, 'x'), {}, {}}}),
            say(StsdToPolicyd{
                StsFileFetched{kNobodysConnection, "version: STSv1\n", "no-such-result", "\n forged=1"}}),
            say(StsdToPolicyd{TlsReportPosted{1, ""}}),
            say(StsdToPolicyd{TlsReportPosted{kNobodysConnection, std::string(60'000, 'x')}})};
  if (kind == "authd-krbd")
    return {say(KrbdToAuthd{TicketProved{1, "alice@SANDBOX.TEST", "", ""}}),
            say(KrbdToAuthd{
                TicketProved{kNobodysConnection, "alice@SANDBOX.TEST", "bob", std::string(30'000, 'x')}}),
            say(KrbdToAuthd{TicketChallenge{0, ""}})};
  if (kind == "authd-kdcd")
    return {say(KdcdToAuthd{TicketObtained{1, "no ticket"}}),
            say(KdcdToAuthd{TicketObtained{kNobodysConnection, std::string(30'000, 'x')}})};
  if (kind == "authd-keyd") {
    if (Role::TWIN_OF == Role::authd) return {say(AuthdToKeyd{WhatWasSigned{kNobodysConnection}})};
    return {say(KeydToAuthd{WasSigned{kNobodysConnection, SignedHandshake{{}, "forged", "forged"}}})};
  }
  if (kind == "authd-certd") {
    if (Role::TWIN_OF == Role::authd)
      return {say(AuthdToCertd{CheckHandshake{1, {}, std::string(30'000, 'x')}})};
    return {say(CertdToAuthd{CertificateProved{1, {std::string(64, 'a'), {"alice@sandbox.test"}, {}}}}),
            say(CertdToAuthd{CertificateRefused{kNobodysConnection, "\n forged=1"}}),
            say(CertdToAuthd{CannotCheck{kNobodysConnection}})};
  }
  if (kind == "relayd-authd")  // a channel that is none
    return {say(RelaydToAuthd{OpenCredentials{kNobodysConnection, 12345}}, true)};
  if (kind.ends_with("-policyd") && Role::TWIN_OF == Role::policyd)
    return {say(PolicydToListener{StartSession{kNobodysConnection, 1, "alice"}}),
            say(PolicydToListener{StartSession{0, 0, ""}}), say(PolicydToListener{EndSessions{kNoAccount}})};
  return {};
}

// A channel that is spoken on until its peer has had enough; and those of connections that come over it.
class Mouth {
 public:
  Mouth(event::Loop& loop, const std::string& kind, LeasedFd fd, int descriptor)
      : loop_{loop}, socket_{std::move(fd)}, claims_{claims_on(kind)}, descriptor_{descriptor},
        random_{std::random_device{}()}, next_{loop, [this] { speak(); }}, readable_{loop, socket_.fd(),
                                                                                     [this] { hear(); }} {
    next_.start(kPause);
  }

 private:
  void hear() {
    auto packet = socket_.receive(PacketSocket::Wait::no, 1);
    if (!packet && packet.error() != ipc::ReceiveError::would_block) readable_.pause();
    if (!packet) return;
    for (Fd& fd : packet->descriptors)
      connections_.push_back(std::make_unique<Mouth>(loop_, "connection", std::move(fd), descriptor_));
  }

  void speak() {
    if (claims_.empty()) return babble();
    send(claims_.front());
    claims_.pop_front();
    next_.start(kPause);
  }

  // Packets of random octets and lengths, with descriptors that nobody asked for.
  void babble() {
    for (int i = 0; i < kJunkPackets; ++i) {
      std::string junk(random_() % 200 + 1, '\0');
      for (char& octet : junk) octet = static_cast<char>(random_());
      send({std::move(junk), i % 4 == 3});
    }
  }

  void send(const Words& words) {
    const std::span<const int> descriptors{&descriptor_, words.with_descriptor ? 1U : 0U};
    socket_.send(words.bytes, PacketSocket::Wait::no, descriptors);
  }

  event::Loop& loop_;
  PacketSocket socket_;
  std::deque<Words> claims_;
  int descriptor_;
  std::mt19937 random_;
  std::vector<std::unique_ptr<Mouth>> connections_;
  event::Timer next_;
  event::ReadWatch readable_;
};

// A connection to another host, as relayd's clients have it: the first answers for a recipient that it was
// not given, the second babbles.
class HostileRelay {
 public:
  HostileRelay(event::Loop& loop, Fd fd)
      : channel_{loop, std::move(fd), 1,
                 [this](QueuedToRelay&& message, std::vector<Fd>&&) { answer(message); },
                 [](event::ChannelEnd) {}} {}

 private:
  void answer(const QueuedToRelay& message) {
    if (std::holds_alternative<Connect>(message)) return channel_.send(Connected{.host = "far.test"});
    const Reply taken{250, "2.0.0", "forged"};
    channel_.send(Sent{std::get<Send>(message).queue_id, {{.number = 77, .reply = taken}}, true});
  }

  event::ChannelHandler<RelayToQueued, QueuedToRelay> channel_;
};

class HostileRelayd {
 public:
  HostileRelayd(event::Loop& loop, LeasedFd fd, int descriptor)
      : loop_{loop}, descriptor_{descriptor}, channel_{loop, std::move(fd), 1,
                                                       [this](QueuedToRelayd&&, std::vector<Fd>&& with) {
                                                         if (with.size() == 1) open(std::move(with.front()));
                                                       },
                                                       [](event::ChannelEnd) {}} {
    channel_.send(RelayRefused{kNobodysConnection});
  }

 private:
  void open(Fd fd) {
    if (!liar_)
      liar_ = std::make_unique<HostileRelay>(loop_, std::move(fd));
    else
      babblers_.push_back(std::make_unique<Mouth>(loop_, "queued-relay", std::move(fd), descriptor_));
  }

  event::Loop& loop_;
  int descriptor_;
  event::ChannelHandler<RelaydToQueued, QueuedToRelayd> channel_;
  std::unique_ptr<HostileRelay> liar_;
  std::vector<std::unique_ptr<Mouth>> babblers_;
};

// Whoever asks what logd has counted hears of processes without end, whose names are lines of their own.  It
// reads no log pipe, and leaves as little room in each as it can.
class HostileLogd {
 public:
  explicit HostileLogd(const Host& host)
      : tools_{host.loop, host.take_descriptor("tools"),
               [this](ToolId tool, ToolToLogd&&) { tools_.answer(tool, forged_); }} {
    for (const PassedDescriptor& passed : host.launch.descriptors)
      if (passed.name.starts_with("log ")) ::fcntl(passed.fd, F_SETPIPE_SZ, 1);
  }

 private:
  const EventsCounted forged_{"x\"}\nmailroom_up{server=\"queued\"} 0\n# ", {{"started", 1}}, 0, false};
  ToolSessions<LogdToTool, ToolToLogd> tools_;
};

class HostileServer : public Server {
 public:
  explicit HostileServer(const Host& host)
      : host_{host}, descriptor_{::memfd_create("unsealed", MFD_CLOEXEC)},
        ask_{host.loop, [this] { ask_supervisor(); }}, ask_more_{host.loop, [this] { ask_for_too_many(); }} {
    ask_.start(kPause);
    if (Role::TWIN_OF == Role::policyd || Role::TWIN_OF == Role::logd) ask_more_.start(kUntilMore);
    if (Role::TWIN_OF == Role::logd) logd_.emplace(host);
  }

  void attach(const std::string& kind, const std::string&, LeasedFd fd) override {
    if (kind == "queued-relayd" && Role::TWIN_OF == Role::relayd) {
      relayd_ = std::make_unique<HostileRelayd>(host_.loop, std::move(fd), descriptor_.get());
      return;
    }
    mouths_.push_back(std::make_unique<Mouth>(host_.loop, kind, std::move(fd), descriptor_.get()));
  }
  void drain() override { host_.loop.stop(); }

 private:
  // Only policyd may ask for account directories, and only for accounts that there can be.
  void ask_supervisor() {
    host_.tell_supervisor(MakeAccountDirectories{{0, kNoAccount}});
    host_.tell_supervisor(RemoveAccountDirectory{kNoAccount});
    if (!is_listener(Role::TWIN_OF))
      host_.tell_supervisor(ConnectionCrashed{});  // which is a listener's to say
  }

  void ask_for_too_many() {
    host_.tell_supervisor(MakeAccountDirectories{std::vector<AccountId>(kTooMany, kNoAccount)});
    if (Role::TWIN_OF != Role::logd) return;
    PacketSocket control{Fd{::fcntl(kControlFd, F_DUPFD_CLOEXEC, 0)}};
    control.send("\xff", PacketSocket::Wait::no);  // what is no message
  }

  const Host& host_;
  Fd descriptor_;
  std::vector<std::unique_ptr<Mouth>> mouths_;
  std::unique_ptr<HostileRelayd> relayd_;
  std::optional<HostileLogd> logd_;
  event::Timer ask_;
  event::Timer ask_more_;
};

}  // namespace

int main() {
  return run_daemon(Role::TWIN_OF, [](const Host& host) { return std::make_unique<HostileServer>(host); });
}
