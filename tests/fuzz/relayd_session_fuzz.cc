// A whole client session fed with the octets of a server that does not listen: it ends, and says "taken" for
// nobody whom the octets do not say it of.  The first octet chooses protocol and TLS level, the second how
// the octets arrive.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemons/relayd/client.h"

using namespace mailroom;
using namespace mailroom::relayd;

namespace {

void require(bool held) {
  if (!held) std::abort();
}

class DeafServer : public Link, public Stream {
 public:
  DeafServer(std::string_view octets, std::size_t piece) : octets_{octets}, piece_{piece} {}

  Stream& stream() override { return *this; }
  std::size_t read(std::span<char> into) override {
    const std::string_view part = octets_.substr(0, std::min(piece_, into.size()));
    std::ranges::copy(part, into.begin());
    octets_.remove_prefix(part.size());
    return part.size();
  }
  void write(std::string_view bytes) override { require(bytes.find("secret") == std::string_view::npos); }
  void set_deadline(Time) override {}
  std::size_t read_arrived(std::span<char>) override { return 0; }
  std::expected<TlsStarted, TlsProblem> start_tls(const routing::TlsRequirement&, Time) override {
    return TlsStarted{"TLS"};
  }
  void set_patience(std::chrono::milliseconds) override {}
  bool is_told_to_end() const override { return false; }
  void close() noexcept override {}

 private:
  std::string_view octets_;
  std::size_t piece_;
};

class OneDialler : public Dialler {
 public:
  explicit OneDialler(std::string_view octets, std::size_t piece) : octets_{octets}, piece_{piece} {}
  std::expected<std::unique_ptr<Link>, std::string> connect(const IpAddress&, Link::Time) override {
    return std::make_unique<DeafServer>(octets_, piece_);
  }
  std::expected<std::unique_ptr<Link>, std::string> connect_unix(const std::string&, Link::Time) override {
    return std::unexpected("none");
  }

 private:
  std::string_view octets_;
  std::size_t piece_;
};

class Nobody : public CredentialSource {
  std::optional<RelayCredentials> ask() override { return std::nullopt; }
};

class StoppedClock : public Clock {
  std::chrono::steady_clock::time_point now() override { return {}; }
  std::chrono::sys_seconds date() override { return {}; }
  void pause(std::chrono::milliseconds) override {}
};

Send message() {
  Send message{.queue_id = 1,
               .reverse_path = "a@x",
               .mail = {},
               .recipients = {},
               .content = "Subject: x\r\n\r\n.\r\n",
               .memfd_size = 0};
  for (std::uint32_t i = 1; i <= 3; ++i) message.recipients.push_back({i, "r@x", 0, {}});
  return message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Connect request{static_cast<routing::Protocol>(data[0] % 3), {}, false};
  routing::NextHop hop{"mx", {*parse_ip_and_port("192.0.2.1:25")}, {}};
  hop.tls.level = static_cast<routing::TlsLevel>(data[0] / 3 % 5);
  request.hops.push_back(hop);
  const std::string_view octets{reinterpret_cast<const char*>(data) + 2, size - 2};
  OneDialler dialler{octets, std::size_t{1} + data[1]};
  Nobody nobody;
  StoppedClock clock;
  Client client{{"relay.example", RelaydConfig{}, std::chrono::minutes{1}}, {dialler, nobody, clock}};
  if (!std::holds_alternative<Connected>(client.connect(request))) return 0;
  // What is too large for the server is refused without a word to it: the connection stays good for ever.
  constexpr int kMessages = 20;
  bool reusable = true;
  for (int count = 0; reusable && count < kMessages; ++count) {
    const Send one = message();
    const Sent sent = client.send(one, one.content);
    require(sent.outcomes.size() == one.recipients.size());
    for (const RecipientOutcome& outcome : sent.outcomes) {
      const bool decided = outcome.failure == RelayFailure::none;
      require(decided == (outcome.reply.code != 0));
      require(!decided || octets.find(std::to_string(outcome.reply.code)) != std::string_view::npos);
      require(!decided || outcome.reply.code < 300 || outcome.reply.code >= 400);
    }
    reusable = sent.reusable;
  }
  return 0;
}
