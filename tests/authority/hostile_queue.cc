// A taken-over queued, and relayd's connections to other hosts: it sends them what is no message, messages in
// the wrong state and content that cannot be had.  Then one of them crashes.
//
//   hostile_queue CONFIG PORT    in the installation of CONFIG, which must not run; an SMTP server listens on
//   127.0.0.1:PORT, to which CONFIG has a route
//
// relayd is the release program behind its walls.  A connection ends at what is no message, and says so; it
// never crashes; and relayd goes on.  After a crash it makes no other connection, which would have the same
// memory layout, until it is replaced.  Each line is "ok - WHAT" or "not ok - WHAT". tests/breach/36-relays.t
// runs it.  Needs root.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>

#include "daemons/channels/relayd.h"
#include "daemons/mailroomd/configuration.h"
#include "tests/authority/examples.h"
#include "tests/authority/findings.h"
#include "tests/authority/raw_channel.h"
#include "tests/authority/receiver.h"

namespace mailroom::test {
namespace {

using Clock = std::chrono::steady_clock;
using Wait = ipc::PacketSocket::Wait;
using Connection = ipc::MessageChannel<QueuedToRelay, RelayToQueued>;

class Assault {
 public:
  Assault(const Config& config, const IpAddress& far)
      : relayd_{Role::relayd, config}, queued_{relayd_.attach("queued-relayd")} {
    connect_ = {.hops = {{"far.test", {far}, {}}}};
    connect_.hops.front().tls.level = routing::TlsLevel::never;
    send_ = {.queue_id = 7, .reverse_path = "a@client.test", .recipients = {{1, "b@far.test"}}};
  }

  void run() {
    honest("before");
    broken_packets();
    out_of_turn();
    wrong_content();
    honest("after all that");
    if (relayd_.log().lines("connection-crashed") > 0) failed("a connection has crashed");
    report("no connection has crashed");
    after_a_crash();
  }

 private:
  // ---- connections

  // This end of its channel.
  Connection open() {
    auto [ours, theirs] = ipc::make_channel();
    const int raw = theirs.get();
    queued_.send(OpenRelay{++last_, 0}, {&raw, 1});
    return Connection{std::move(ours)};
  }
  Connection open_connected() {
    Connection connection = open();
    connection.send(connect_);
    if (!next<Connected>(connection)) failed("it does not connect");
    return connection;
  }

  template <typename Message>
  std::optional<Message> next(Connection& connection) {
    auto said = connection.receive(Wait::yes, 0, Clock::now() + kPatience);
    relayd_.hear();
    if (!said || !std::holds_alternative<Message>(said->message)) return std::nullopt;
    return std::get<Message>(std::move(said->message));
  }

  bool eventually(const std::function<bool()>& condition) {
    const auto end = Clock::now() + kPatience;
    while (!condition()) {
      if (Clock::now() > end || !relayd_.lives()) return false;
      relayd_.hear();
      ::poll(nullptr, 0, 1);
    }
    return true;
  }
  void expect_end(const Connection& connection, const std::string& what) {
    if (!eventually([&] { return is_closed(connection.fd()); })) failed("goes on after " + what);
  }

  static void say(const Connection& connection, const Packet& packet) {
    const Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    send_packet(connection.fd(), packet.bytes, std::vector<int>(packet.descriptors, null.get()));
  }

  // ---- what is said

  std::vector<Packet> words() const {
    return {{ipc::encode(QueuedToRelay{connect_})}, {ipc::encode(QueuedToRelay{send_})}};
  }

  void honest(const std::string& when) {
    Connection connection = open_connected();
    Send message = send_;
    message.content = "Subject: " + when + "\r\n\r\ntext\r\n";
    connection.send(message);
    const auto sent = next<Sent>(connection);
    if (!sent || sent->outcomes.size() != 1 || sent->outcomes.front().reply.code != 250)
      failed("nothing is sent");
    report("a message goes out, " + when);
  }

  void broken_packets() {
    std::vector<Packet> forms{{std::string{kNoMessage}}};
    for (const Packet& word : words()) std::ranges::move(broken_forms_of(word), std::back_inserter(forms));
    const std::size_t complaints = relayd_.log().complaints();
    for (const Packet& form : forms) {
      const Connection connection = open();
      say(connection, form);
      expect_end(connection, described(form));
    }
    Connection connected = open_connected();
    say(connected, forms.front());
    expect_end(connected, "what is no message, when it is connected");
    if (!eventually([&] { return relayd_.log().complaints() > complaints + forms.size(); }))
      failed("it does not say so each time");
    report(std::to_string(forms.size() + 1) +
           " packets that are no message: the connection ends, and says so");
  }

  void out_of_turn() {
    const auto all = words();
    std::size_t count = 0;
    const auto try_words = [&](const std::vector<Packet>& said) {
      const Connection connection = open();
      for (const Packet& word : said) say(connection, word);
      say(connection, {std::string{kNoMessage}});
      expect_end(connection, described(said.front()));
      ++count;
    };
    for (const Packet& word : all) {
      for (const Packet& next : all) try_words({word, next, word});
      try_words({{word.bytes, 1}});
    }
    Connect nowhere = connect_;  // so that no other number is that of a host which is not ours
    nowhere.hops.front().addresses.clear();
    for (const std::string& word : {ipc::encode(QueuedToRelay{nowhere}), ipc::encode(QueuedToRelay{send_})})
      for (std::size_t at = 1; at + 4 <= word.size(); ++at)
        try_words({{std::string{word}.replace(at, 4, 4, '\xff')}});
    Connection twice = open_connected();
    twice.send(connect_);
    expect_end(twice, "a second Connect");
    report(std::to_string(count + 1) +
           " messages in the wrong state, with huge lengths and numbers: it ends");
  }

  // Said to be in a descriptor that is missing, unsealed, too short or no memory at all: nothing of it is
  // sent.
  void wrong_content() {
    constexpr std::size_t kSize = 100'000;
    Send message = send_;
    message.memfd_size = kSize;
    const auto memory = [](std::size_t size, int seals) {
      Fd memfd{::memfd_create("content", MFD_ALLOW_SEALING | MFD_CLOEXEC)};
      if (::ftruncate(memfd.get(), static_cast<off_t>(size)) != 0 ||
          ::fcntl(memfd.get(), F_ADD_SEALS, seals) != 0)
        throw std::runtime_error("no memory for content");
      return memfd;
    };
    std::vector<Fd> wrong(1);
    wrong.push_back(memory(kSize, F_SEAL_GROW));
    wrong.push_back(memory(kSize, F_SEAL_SHRINK));
    wrong.push_back(memory(kSize - 1, F_SEAL_SHRINK | F_SEAL_WRITE));
    wrong.push_back(Fd{::open("/dev/zero", O_RDWR | O_CLOEXEC)});
    wrong.push_back(Fd{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)});
    wrong.push_back(std::move(ipc::make_channel().first));
    for (const Fd& fd : wrong) {
      Connection connection = open_connected();
      const int raw = fd.get();
      connection.send(message, {&raw, fd ? 1U : 0U});
      const auto sent = next<Sent>(connection);
      const bool is_refused = sent && sent->outcomes.size() == 1 && !sent->reusable &&
                              sent->outcomes.front().failure == RelayFailure::local;
      // What is no socket may end a channel (libcommon/ipc/channel.h), but not be taken.
      if (!is_refused && (sent || !is_closed(connection.fd())))
        failed("content is taken from where it cannot be");
    }
    report(std::to_string(wrong.size()) + " descriptors that cannot be content: nothing is sent");
  }

  // Nothing when there is none.
  std::optional<pid_t> process() const {
    const std::string pid = std::to_string(relayd_.pid());
    std::ifstream children{"/proc/" + pid + "/task/" + pid + "/children"};
    pid_t child = 0;
    return children >> child ? std::optional{child} : std::nullopt;
  }

  void after_a_crash() {
    if (!eventually([this] { return !process(); })) failed("connections stay that nobody has");
    const Connection crashes = open();
    if (!eventually([this] { return process().has_value(); })) failed("there is no connection");
    if (const auto pid = process()) ::kill(*pid, SIGSEGV);
    if (!eventually([this] { return relayd_.log().lines("connection-crashed") == 1; }))
      failed("it does not say so");
    const Connection later = open();
    const auto said = queued_.receive(Wait::yes, 0, Clock::now() + kPatience);
    const auto* refused = said ? std::get_if<RelayRefused>(&said->message) : nullptr;
    if (refused == nullptr || refused->relay != last_) failed("another connection is not refused");
    if (process()) failed("another connection is made");
    if (!relayd_.lives()) failed("it does not wait to be replaced");
    report("after a crash no other connection is made");
  }

  void failed(const std::string& why) {
    findings_.failed(why);
    if (!relayd_.lives())
      throw std::runtime_error("relayd has ended: " + why + "\n" + relayd_.log().last_words());
  }
  void report(const std::string& what) { findings_.report("relayd: " + what); }

  Receiver relayd_;
  ipc::MessageChannel<QueuedToRelayd, RelaydToQueued> queued_;
  RelayId last_ = 0;
  Connect connect_;
  Send send_;
  Findings findings_;
};

int run(int words, char** word) {
  if (words != 3) throw std::runtime_error("usage: hostile_queue CONFIG PORT");
  const auto config = load_configuration(word[1]);
  if (!config) return 1;
  const auto far = parse_ip_and_port(std::string{"127.0.0.1:"} + word[2]);
  if (!far) throw std::runtime_error("no such port");
  Assault{*config, *far}.run();
  return 0;
}

}  // namespace
}  // namespace mailroom::test

int main(int words, char** word) {
  return mailroom::test::report_end("hostile_queue", [&] { return mailroom::test::run(words, word); });
}
