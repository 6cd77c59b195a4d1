// Time and size, as a stranger may spend them.
#include <catch2/catch.hpp>

#include <string>

#include "tests/unit/smtpd/fakes.h"

using namespace mailroom;
using namespace std::chrono_literals;
using transcript::ScriptStream;

namespace {

// Sends `parts` one by one, each after the pause it costs; a deadline that passes meanwhile is a timeout.
class SlowClient : public Stream {
 public:
  SlowClient(FakeClock& clock, std::vector<std::string> parts, std::chrono::milliseconds pause)
      : clock_{clock}, parts_{std::move(parts)}, pause_{pause} {}

  std::size_t read(std::span<char> into) override {
    if (next_ == parts_.size()) return 0;
    clock_.time += pause_;
    if (clock_.time > deadline_) throw StreamError(StreamError::Kind::timeout, "slow");
    const std::string& part = parts_[next_];
    const std::size_t count = std::min(into.size(), part.size() - at_);
    std::copy_n(part.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    if (at_ == part.size()) ++next_, at_ = 0;
    return count;
  }
  void write(std::string_view bytes) override {
    if (clock_.time > deadline_) throw StreamError(StreamError::Kind::timeout, "slow");
    output += bytes;
  }
  void set_deadline(std::chrono::steady_clock::time_point deadline) override { deadline_ = deadline; }

  std::string output;

 private:
  FakeClock& clock_;
  std::vector<std::string> parts_;
  std::chrono::milliseconds pause_;
  std::chrono::steady_clock::time_point deadline_{};
  std::size_t next_ = 0;
  std::size_t at_ = 0;
};

struct Result {
  std::string output;
  std::vector<std::string> messages;
  std::chrono::milliseconds took, paused;
};

Result serve(std::vector<std::string> parts, std::chrono::milliseconds pause,
             const SmtpdConfig& limits = {}) {
  silence_log();
  Events events;
  FakeClock clock;
  SmtpFacts facts;
  facts.hostname = "mail.local.example";
  facts.limits = limits;
  SlowClient client{clock, std::move(parts), pause};
  FakePolicy policy{events};
  FakeSpool spool{events};
  FakeAuthenticator authenticator{events};
  transcript::Transcript none;
  ScriptStream unused{none, ScriptStream::Pace::segments};
  FakeTls tls{unused};
  run_smtp(facts, {client, policy, spool, authenticator, tls, clock});
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock.time.time_since_epoch());
  return {client.output, spool.messages, took, clock.paused};
}

std::vector<std::string> with_content(const std::vector<std::string>& content) {
  std::vector<std::string> parts = {"HELO x\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<u@local.example>\r\n",
                                    "DATA\r\n"};
  parts.insert(parts.end(), content.begin(), content.end());
  parts.push_back("\r\n.\r\n");
  return parts;
}

}  // namespace

TEST_CASE("a command that comes in octets has one deadline for all of them") {
  const std::string line = "NOOP " + std::string(500, 'x') + "\r\n";
  std::vector<std::string> octets;
  for (const char c : line) octets.emplace_back(1, c);
  const Result result = serve(octets, 1s);
  CHECK(result.output.ends_with("421 4.4.2 Waited too long; connect again\r\n"));
  CHECK(result.took <= 301s);
}

TEST_CASE("content must keep the least rate") {
  const Result slow = serve(with_content(std::vector<std::string>(1000, "x")), 1s);
  CHECK(slow.output.ends_with("421 4.4.2 Waited too long; connect again\r\n"));
  CHECK(slow.messages.empty());
  CHECK(slow.took < 70s);
  const Result fast = serve(with_content(std::vector<std::string>(200, std::string(600, 'x') + "\r\n")), 1s);
  CHECK(fast.messages.size() == 1);
  SmtpdConfig no_rate;
  no_rate.min_data_rate = 0;
  CHECK(serve(with_content(std::vector<std::string>(1000, "x")), 1s, no_rate).messages.size() == 1);
}

TEST_CASE("a connection ends in time whatever happens on it") {
  SmtpdConfig limits;
  limits.max_idle_commands = 1'000'000;
  const Result result = serve(std::vector<std::string>(1000, "NOOP\r\n"), 1min, limits);
  CHECK(result.output.ends_with("421 4.4.2 Waited too long; connect again\r\n"));
  CHECK(result.took <= 4h + 2min);
}

TEST_CASE("the rest of a refused message is read for a while only") {
  std::vector<std::string> content(1000, std::string(2000, 'x') + "\r\n");
  content[0] = "bare\n";
  const Result result = serve(with_content(content), 1s);
  CHECK(result.output.ends_with(
      "550 5.5.2 The message has a CR or LF that stands alone; send lines that end in CRLF\r\n"));
  CHECK(result.took < 70s);
}

TEST_CASE("much too big a message is not read to its end") {
  SmtpdConfig limits;
  limits.max_message_size = 1000;
  const Result result =
      serve(with_content(std::vector<std::string>(70, std::string(1 << 20, 'x') + "\r\n")), 1ms, limits);
  CHECK(result.output.ends_with(
      "552 5.3.4 The message is bigger than this server takes; see SIZE in the reply to EHLO\r\n"));
  CHECK(result.messages.empty());
}

TEST_CASE("a client that tries names is slowed down") {
  std::vector<std::string> parts = {"HELO x\r\n", "MAIL FROM:<a@b>\r\n"};
  for (int i = 0; i < 30; ++i) parts.push_back("RCPT TO:<nobody@local.example>\r\n");
  const Result result = serve(parts, 1ms);
  CHECK(result.paused == 10s);
  CHECK(result.output.ends_with("421 4.7.0 Too many errors; correct them before you connect again\r\n"));
}

TEST_CASE("headers have limits") {
  const auto last_reply = [](const std::string& header) {
    const std::string output = serve(with_content({header}), 1ms).output;
    return output.substr(output.rfind('\n', output.size() - 2) + 1);
  };
  CHECK(last_reply("To: a@b\r\n").starts_with("250"));
  std::string fields;
  for (int i = 0; i < 1001; ++i) fields += "To: a@b\r\n";
  CHECK(last_reply(fields).starts_with("554 5.6.0 The header of the message has too many fields"));
  std::string big = "To: a@b";
  while (big.size() < 256 * 1024) big += ",\r\n " + std::string(70, 'x');
  CHECK(last_reply(big).starts_with("554 5.6.0 The header of the message is too big"));
  CHECK(last_reply("\r\n" + big + "\r\n" + fields).starts_with("250"));
  CHECK(last_reply("\r\n" + std::string(65537, 'x'))
            .starts_with("554 5.6.0 The message has a line that is too long"));
}

TEST_CASE("recipients past the limit are counted exactly") {
  std::string segment = "HELO x\r\nMAIL FROM:<a@b>\r\n";
  for (int i = 0; i < 65537; ++i) segment += "RCPT TO:<u" + std::to_string(i) + "@local.example>\r\n";
  const std::string output = serve({segment + "QUIT\r\n"}, 1ms).output;
  std::size_t accepted = 0, refused = 0;
  for (std::size_t at = 0; (at = output.find("\r\n250 2.1.5", at)) != std::string::npos; ++at) ++accepted;
  for (std::size_t at = 0; (at = output.find("\r\n452 4.5.3", at)) != std::string::npos; ++at) ++refused;
  CHECK(accepted == 1000);
  CHECK(refused == 64537);
  CHECK(output.ends_with("221 2.0.0 mail.local.example closes the connection\r\n"));
}
