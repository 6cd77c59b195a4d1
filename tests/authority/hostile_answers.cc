// All servers of one listener at once, all of them hostile to its connections: the test is the client, and
// authd, policyd, queued and keyd, which send to a connection's process what is no message, what it has not
// asked for, answers of another kind, answers twice, and descriptors.
//
//   hostile_answers ROLE CONFIG    in the installation of CONFIG, which must not run
//
// The process is the release program behind its walls.  Whatever its servers say, a connection answers its
// client and ends, or just ends; it never crashes, for which its client would be shut out and everybody else
// sent to another process; it gets no session by it; and the listener takes the next.  Each line is "ok -
// WHAT" or "not ok - WHAT".  tests/breach/35-answers.t runs it.  Needs root.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "daemons/base/listener_service.h"
#include "daemons/channels/authd.h"
#include "daemons/channels/keyd.h"
#include "daemons/channels/policyd.h"
#include "daemons/channels/queued.h"
#include "daemons/mailroomd/configuration.h"
#include "libcommon/ipc/overloaded.h"
#include "tests/authority/examples.h"
#include "tests/authority/findings.h"
#include "tests/authority/raw_channel.h"
#include "tests/authority/receiver.h"

namespace mailroom::test {
namespace {

using Clock = std::chrono::steady_clock;
using Wait = ipc::PacketSocket::Wait;

constexpr AccountId kAccount = 1;  // of the installation
constexpr char kName[] = "alice";
constexpr int kMostChallenges = 5;  // that the client answers

// What one server says to one connection.
struct Offence {
  enum class When : std::uint8_t {
    unasked,  // before there is a question; and nothing more
    asked,    // in the place of the answer; and nothing more
  };
  Role server = Role::logd;  // who says no such thing
  When when = When::asked;
  std::vector<Packet> packets;
};

// ---- the client: a command for each answer, and a response for each challenge

struct Dialogue {
  std::string first;                       // said at once
  std::vector<std::string> commands = {};  // none: the client leaves when the server has said something
  std::string challenge = {};              // what a challenge begins with
  bool (*is_answer)(std::string_view line) = nullptr;  // or the last line of one
};

// TLS 1.3 with X25519 (RFC 8446 4.1.2): as far as the server's signature.
std::string client_hello() {
  using namespace std::string_literals;
  const std::string extensions = "\x00\x2b\x00\x03\x02\x03\x04"s                      // supported_versions
                                 "\x00\x0a\x00\x04\x00\x02\x00\x1d"s                  // supported_groups
                                 "\x00\x0d\x00\x08\x00\x06\x04\x03\x08\x04\x08\x07"s  // signature_algorithms
                                 "\x00\x33\x00\x26\x00\x24\x00\x1d\x00\x20"s +        // key_share
                                 std::string(32, '\x09');
  const auto length = [](std::size_t size) {
    return std::string{static_cast<char>(size >> 8), static_cast<char>(size & 0xff)};
  };
  const std::string body = "\x03\x03"s + std::string(32, 'r') + "\x00\x00\x02\x13\x01\x01\x00"s +
                           length(extensions.size()) + extensions;
  const std::string handshake = "\x01\x00"s + length(body.size()) + body;
  return "\x16\x03\x01"s + length(handshake.size()) + handshake;
}

Dialogue dialogue_of(Service service, TlsMode tls) {
  if (tls == TlsMode::implicit) return {.first = client_hello()};
  if (service == Service::imap)
    return {{},
            {"a AUTHENTICATE PLAIN AGEAYg==", "a LOGIN alice x", "a LOGOUT"},
            "+",
            [](std::string_view line) { return line.starts_with("a "); }};
  if (!is_smtp(service))
    return {{}, {"AUTH PLAIN AGEAYg==", "USER alice", "PASS x", "QUIT"}, "+ ", [](std::string_view) {
              return true;
            }};
  std::vector<std::string> commands{"EHLO client.test"};
  if (takes_logins(service)) commands.emplace_back("AUTH PLAIN AGEAYg==");
  for (const char* const command : {"MAIL FROM:<a@client.test>", "RCPT TO:<alice@sandbox.test>", "DATA",
                                    "Subject: x\r\n\r\ntext\r\n.", "QUIT"})
    commands.emplace_back(command);
  return {{}, std::move(commands), "334", [](std::string_view line) {
            return line.size() < 4 || line[3] != '-';
          }};
}

// Those that a connection has a channel to, and asks in that dialogue.
std::vector<Role> servers_of(Service service, TlsMode tls) {
  if (tls == TlsMode::implicit) return {Role::keyd};
  std::vector<Role> servers;
  if (takes_logins(service)) servers.push_back(Role::authd);
  if (!is_smtp(service)) return servers;
  servers.push_back(Role::policyd);
  servers.push_back(Role::queued);
  return servers;
}

// ---- what is said

template <typename Variant>
std::vector<Packet> words_of() {
  std::vector<Packet> words;
  for (std::string& bytes : encoded_examples<Variant>()) words.push_back({std::move(bytes)});
  return words;
}

std::vector<Packet> words_of(Role server) {
  switch (server) {
  case Role::authd:
    return words_of<AuthdToConnection>();
  case Role::policyd:
    return words_of<PolicydToConnection>();
  case Role::queued:
    return words_of<QueuedToConnection>();
  case Role::keyd:
    return words_of<KeydToConnection>();
  default:
    throw std::logic_error("a server of no connection");
  }
}

std::vector<Offence> offences_of(Role server) {
  using enum Offence::When;
  const std::vector<Packet> words = words_of(server);
  std::vector<Offence> all{{server, asked, {}}, {server, asked, {{std::string{kNoMessage}}}}};
  for (const Packet& word : words) {
    for (Packet& broken : broken_forms_of(word)) all.push_back({server, asked, {std::move(broken)}});
    for (std::size_t at = 1; at + 4 <= word.bytes.size(); ++at)  // each number and length, and more
      all.push_back({server, asked, {{std::string{word.bytes}.replace(at, 4, 4, '\xff')}}});
    all.push_back({server, asked, {{word.bytes, 1}}});
    for (const auto when : {unasked, asked}) {
      all.push_back({server, when, {word}});
      for (const Packet& next : words) all.push_back({server, when, {word, next}});
      all.push_back({server, when, std::vector<Packet>(100, word)});
    }
    all.push_back({server, unasked, {{std::string{kNoMessage}}, word}});
  }
  return all;
}

// What an honest server answers, of which everybody is one but the offender; nothing when there is nothing to
// be answered.
std::string honest_answer(Role server, std::string_view question) {
  if (server == Role::authd) {
    const auto asked = ipc::decode<ConnectionToAuthd>(question).value();
    return std::holds_alternative<SaslCancel>(asked)
               ? ""
               : ipc::encode(AuthdToConnection{SaslSucceeded{kName, std::nullopt}});
  }
  if (server == Role::policyd)
    return std::visit(
        Overloaded{[](const ResetTransaction&) { return std::string{}; },
                   [](const AskQuirks&) { return ipc::encode(PolicydToConnection{DeviceQuirks{}}); },
                   [](const auto& asked) {
                     return ipc::encode(
                         PolicydToConnection{Verdict{asked.transaction, {250, "2.1.0", "Fine"}, "test", 1}});
                   }},
        ipc::decode<ConnectionToPolicyd>(question).value());
  if (server == Role::queued) {
    const auto asked = ipc::decode<ConnectionToQueued>(question).value();
    const auto* content = std::get_if<Content>(&asked);
    return content == nullptr || !content->last
               ? ""
               : ipc::encode(QueuedToConnection{ContentReply{content->transaction, {250, "2.0.0", "Taken"}}});
  }
  return ipc::encode(KeydToConnection{SignRefused{}});
}

// ---- a listener, and the ends of its channels to its servers

struct Row {
  Role server;
  ipc::PacketSocket channel;
};

class ListenerHost {
 public:
  ListenerHost(Role role, Config config, TlsMode tls) : service_{service_of(role).value()} {
    Passed passed;
    passed.emplace_back("listen 0", listen());
    ListenerConfig listener;
    listener.service = service_;
    listener.tls = tls;
    listener.plaintext_login = PlaintextLogin::allowed;
    config.listeners = {listener};
    config.smtpd.error_delay = {};
    if (tls == TlsMode::none) config.certificates.clear();
    receiver_ = std::make_unique<Receiver>(role, config, std::move(passed));
    for (const ChannelRow& row : kChannels)
      if (row.asker == role && (row.server != Role::keyd || tls != TlsMode::none))
        rows_.push_back({row.server, ipc::PacketSocket{receiver_->attach(std::string{row.name})}});
  }

  Fd connect() const {
    Fd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0)
      throw std::runtime_error("the listener cannot be connected to");
    return client;
  }

  Receiver& receiver() { return *receiver_; }
  std::list<Row>& rows() { return rows_; }
  // Takes what it tells its servers of connections that are over.
  void drain() {
    receiver_->hear();
    for (Row& row : rows_)
      while (row.channel.receive(Wait::no, 1)) {
      }
  }
  Service service() const { return service_; }

 private:
  Fd listen() {
    Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address_), size) != 0 ||
        ::listen(fd.get(), 10) != 0 ||
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address_), &size) != 0)
      throw std::runtime_error("no listening socket");
    return fd;
  }

  Service service_;
  sockaddr_in address_{};
  std::unique_ptr<Receiver> receiver_;
  std::list<Row> rows_;
};

// ---- one connection, from its beginning to its end

class Visit {
 public:
  Visit(ListenerHost& host, const Dialogue& dialogue, const Offence& offence)
      : host_{host}, dialogue_{dialogue}, offence_{offence}, client_{host.connect()} {
    say(dialogue.first);
  }

  // For the honest: policyd tells the listener, as it hears of the connection, that a session may start.
  void admit() { admits_ = true; }

  // False when it does not end.
  bool run() {
    const auto end = Clock::now() + kPatience;
    while (!over_) {
      if (Clock::now() > end || !host_.receiver().lives()) return false;
      turn();
      host_.receiver().hear();
    }
    return true;
  }

  const std::string& heard() const { return heard_; }
  bool was_asked() const { return asked_; }

 private:
  struct Channel {
    Role server;
    ipc::PacketSocket socket;
    bool spoken = false;  // by the offender: it says nothing more
  };

  void turn() {
    std::vector<pollfd> entries{{client_.get(), POLLIN, 0}};
    for (const auto& row : host_.rows()) entries.push_back({row.channel.fd(), POLLIN, 0});
    for (const Channel& channel : channels_) entries.push_back({channel.socket.fd(), POLLIN, 0});
    ::poll(entries.data(), entries.size(), 20);
    for (auto& row : host_.rows()) hear_listener(row);
    for (Channel& channel : channels_) hear_connection(channel);
    if (entries[0].revents != 0) hear_server();
  }

  void hear_listener(Row& row) {
    for (;;) {
      auto packet = row.channel.receive(Wait::no, 1);
      if (!packet) return;
      if (admits_ && row.server == Role::policyd) admit(row.channel, packet->bytes);
      for (Fd& fd : packet->descriptors) {
        channels_.push_back({row.server, ipc::PacketSocket{std::move(fd)}});
        if (row.server == offence_.server && offence_.when == Offence::When::unasked)
          offend(channels_.back());
      }
    }
  }

  static void admit(ipc::PacketSocket& listener, std::string_view bytes) {
    const auto message = ipc::decode<ListenerToPolicyd>(bytes);
    const auto* opened = message ? std::get_if<ConnectionOpened>(&*message) : nullptr;
    if (opened != nullptr)
      listener.send(ipc::encode(PolicydToListener{StartSession{opened->connection, kAccount, kName}}),
                    Wait::no);
  }

  void hear_connection(Channel& channel) {
    if (!channel.socket.is_open()) return;
    auto packet = channel.socket.receive(Wait::no, 1);
    if (!packet) {
      if (packet.error() != ipc::ReceiveError::would_block) channel.socket.close();
      return;
    }
    if (channel.server == offence_.server) {
      asked_ = true;
      return offend(channel);
    }
    if (const std::string answer = honest_answer(channel.server, packet->bytes); !answer.empty())
      channel.socket.send(answer, Wait::no);
  }

  // Once; then the server has gone, so that nobody waits for it.
  void offend(Channel& channel) {
    if (std::exchange(channel.spoken, true)) return;
    const Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    for (const Packet& packet : offence_.packets)
      send_packet(channel.socket.fd(), packet.bytes, std::vector<int>(packet.descriptors, null.get()));
    ::shutdown(channel.socket.fd(), SHUT_WR);
  }

  void hear_server() {
    char octets[4096];
    const ssize_t got = ::recv(client_.get(), octets, sizeof octets, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) over_ = true;
    if (got <= 0) return;
    heard_.append(octets, static_cast<std::size_t>(got));
    if (dialogue_.commands.empty()) {
      ::shutdown(client_.get(), SHUT_WR);
      return;
    }
    unread_.append(octets, static_cast<std::size_t>(got));
    for (std::size_t end; (end = unread_.find("\r\n")) != std::string::npos; unread_.erase(0, end + 2))
      on_line(std::string_view{unread_}.substr(0, end));
  }

  void on_line(std::string_view line) {
    const bool is_greeting = !std::exchange(greeted_, true);
    if (!is_greeting && line.starts_with(dialogue_.challenge))
      return say(++challenges_ > kMostChallenges ? "*\r\n" : "eA==\r\n");
    if ((is_greeting || dialogue_.is_answer(line)) && said_ < dialogue_.commands.size())
      say(dialogue_.commands[said_++] + "\r\n");
  }

  void say(const std::string& text) {
    ::send(client_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  ListenerHost& host_;
  const Dialogue& dialogue_;
  const Offence& offence_;
  Fd client_;
  std::list<Channel> channels_;
  bool admits_ = false;
  bool asked_ = false;
  bool over_ = false;
  bool greeted_ = false;
  std::size_t said_ = 0;
  int challenges_ = 0;
  std::string heard_;
  std::string unread_;
};

class Assault {
 public:
  Assault(Role role, const Config& config, TlsMode tls)
      : host_{role, config, tls}, servers_{servers_of(host_.service(), tls)}, dialogue_{dialogue_of(
                                                                                  host_.service(), tls)} {}

  void run() {
    honest("before");
    const std::size_t before = host_.receiver().descriptors();
    for (const Role server : servers_) offend(server);
    honest("after all that");
    if (!eventually([&] { return host_.receiver().descriptors() <= before; }))
      failed("it has more descriptors than before");
    report("the listener goes on as before");
  }

 private:
  void offend(Role server) {
    const auto offences = offences_of(server);
    std::size_t asked = 0;
    for (const Offence& offence : offences) {
      Visit visit{host_, dialogue_, offence};
      if (!visit.run()) failed("does not end" + words_for(offence));
      asked += visit.was_asked();
      if (lines("connection-crashed") > 0)
        throw std::runtime_error("a connection has crashed" + words_for(offence) + "\n" + log().last_words());
    }
    if (asked < offences.size() / 2) failed("it was asked only " + std::to_string(asked) + " times");
    if (lines("session-started") != sessions_) failed("a session was started");
    report(std::string{process_row(server).name} + ": " + std::to_string(offences.size()) +
           " times no answer, one unasked, of another kind or twice: the connection ends, and it alone");
  }

  // With servers that answer as they should: what may be had is had.
  void honest(const std::string& when) {
    const Offence none;
    Visit visit{host_, dialogue_, none};
    visit.admit();
    if (!visit.run()) failed("an honest connection does not end");
    if (dialogue_.commands.empty()) return;  // it can go no further without a signature
    if (!is_smtp(host_.service()) && lines("session-started") != ++sessions_)
      failed("no session was started");
    if (is_smtp(host_.service()) && visit.heard().find("250 2.0.0 Taken") == std::string::npos)
      failed("mail is not taken: " + visit.heard());
    report("honest servers are believed, " + when);
  }

  bool eventually(const std::function<bool()>& condition) {
    const auto end = Clock::now() + kPatience;
    while (!condition()) {
      if (Clock::now() > end || !host_.receiver().lives()) return false;
      host_.drain();
      ::poll(nullptr, 0, 1);
    }
    return true;
  }
  std::size_t lines(std::string_view event) {
    host_.receiver().hear();
    return log().lines(event);
  }
  const HeardLog& log() { return host_.receiver().log(); }

  static std::string words_for(const Offence& offence) {
    std::string words = std::string{", "} + std::string{process_row(offence.server).name} +
                        (offence.when == Offence::When::unasked ? " unasked" : "");
    for (const Packet& packet : offence.packets) words += "; " + described(packet);
    return words;
  }
  void failed(const std::string& why) {
    findings_.failed(why);
    if (!host_.receiver().lives())
      throw std::runtime_error("the listener has ended: " + why + "\n" + log().last_words());
  }
  void report(const std::string& what) {
    findings_.report(std::string{process_row(host_.receiver().role()).name} + ", " + what);
  }

  ListenerHost host_;
  const std::vector<Role> servers_;
  const Dialogue dialogue_;
  std::size_t sessions_ = 0;
  Findings findings_;
};

int run(int words, char** word) {
  const auto* const row = words == 3
                              ? std::ranges::find(kProcesses, std::string_view{word[1]}, &ProcessRow::name)
                              : kProcesses.end();
  if (row == kProcesses.end() || !service_of(row->role))
    throw std::runtime_error("usage: hostile_answers ROLE CONFIG");
  const auto config = load_configuration(word[2]);
  if (!config) return 1;
  Assault{row->role, *config, TlsMode::none}.run();
  Assault{row->role, *config, TlsMode::implicit}.run();
  return 0;
}

}  // namespace
}  // namespace mailroom::test

int main(int words, char** word) {
  return mailroom::test::report_end("hostile_answers", [&] { return mailroom::test::run(words, word); });
}
