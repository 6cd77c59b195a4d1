// An SMTP or LMTP server in memory, for the tests of relayd's engine: well-behaved but where a test says
// otherwise.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/relayd/client.h"

namespace mailroom::relayd {

class FakeServer {
 public:
  struct Taken {
    std::string sender;
    std::vector<std::string> recipients;
    std::string content;
    bool operator==(const Taken&) const = default;
  };

  // ---- what it is told
  std::vector<std::string> extensions{"PIPELINING", "8BITMIME", "SIZE 1000000", "CHUNKING", "DSN"};
  std::vector<std::string> tls_extensions;  // empty: the same
  // Raw replies by step ("connect", "EHLO", "MAIL", "RCPT", "DATA", "content"...), used up in this order,
  // then the ordinary ones.  The server acts by the code of the reply's last line.
  std::map<std::string, std::deque<std::string>> replies;
  std::size_t cut_received = std::string::npos;  // closes when it has read so many octets
  std::size_t cut_sent = std::string::npos;      // ... has written so many
  std::size_t early_at = std::string::npos;      // says `early` when it has read so many octets
  std::string early;
  // The client is told to end when the server has read so many octets, and notices when it waits for a reply.
  std::size_t told_at = std::string::npos;
  bool lmtp = false;

  // ---- what it has seen
  std::string received;      // all octets
  std::vector<Taken> taken;  // all that it has decided to reply 250 to, whether the reply went out or not
  bool tls = false;
  bool saw_end_after_refusals = false;  // content of no octets

  void open();  // the greeting
  void feed(std::string_view octets);
  bool closed() const { return closed_; }
  std::string output(std::size_t limit);
  std::size_t sent() const { return sent_; }
  bool has_output() const { return !out_.empty(); }
  void say(std::string_view raw) { out_ += raw; }
  void close() { closed_ = true; }
  void start_tls();

 private:
  std::string reply(const std::string& step, std::string ordinary);
  void work();
  bool step();
  void command(const std::string& line);
  void hello(const std::string& verb);
  void envelope(const std::string& verb, const std::string& line);
  void bdat(const std::string& line);
  void finish();

  std::string in_, out_;
  std::string sender_, content_;
  bool has_sender_ = false, in_data_ = false;
  std::size_t chunk_ = 0;
  bool in_chunk_ = false;
  std::vector<std::string> recipients_;
  std::size_t sent_ = 0;
  bool closed_ = false;
};

class FakeClock : public Clock {
 public:
  std::chrono::steady_clock::time_point now() override { return time; }
  std::chrono::sys_seconds date() override { return {}; }
  void pause(std::chrono::milliseconds) override {}
  std::chrono::steady_clock::time_point time{};
};

// Connects to one server after the other; the test sees them by index.
class FakeDialler : public Dialler {
 public:
  FakeDialler(std::vector<FakeServer*> servers, FakeClock& time)
      : clock{time}, servers_{std::move(servers)} {}

  std::expected<std::unique_ptr<Link>, std::string> connect(const IpAddress& address, Link::Time) override;
  std::expected<std::unique_ptr<Link>, std::string> connect_unix(const std::string& name,
                                                                 Link::Time) override;

  FakeClock& clock;                                    // whoever waits in vain waits until the deadline
  std::deque<std::optional<TlsProblem>> tls_outcomes;  // in order of the handshakes; then all succeed
  bool tls_stalls = false;                             // those that fail do so when their time is over
  std::string tls_trouble;                             // of the handshakes that succeed
  std::vector<std::string> dialled;
  std::vector<routing::TlsRequirement> required;
  std::vector<Link::Time> tls_deadlines;

 private:
  std::expected<std::unique_ptr<Link>, std::string> next();

  std::vector<FakeServer*> servers_;  // null: refuses the connection
  std::size_t next_ = 0;
};

class FakeCredentials : public CredentialSource {
 public:
  std::optional<RelayCredentials> ask() override {
    ++asked;
    return kept;
  }
  std::optional<RelayCredentials> kept;
  int asked = 0;
};

// A client with one hop (or as many as there are servers), ready to be asked.
struct Bench {
  explicit Bench(std::vector<FakeServer*> servers, Duration tls_timeout = std::chrono::minutes{1})
      : dialler{std::move(servers), clock}, client{{"relay.example", RelaydConfig{}, tls_timeout},
                                                   {dialler, credentials, clock}} {}

  FakeClock clock;
  FakeDialler dialler;
  FakeCredentials credentials;
  Client client;

  std::variant<Connected, NotConnected> connect(routing::Protocol protocol = routing::Protocol::smtp,
                                                routing::TlsRequirement tls = {}, std::size_t hops = 1,
                                                bool authenticate = false);
};

Send message_for(const std::vector<std::string>& recipients);
IpAddress address(std::uint8_t last);

}  // namespace mailroom::relayd
