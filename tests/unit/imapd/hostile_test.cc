// SECURITY.md V9: what no client sends, before and after login.  Every line is answered BAD or NO, or the
// connection ends with BYE; memory stays bounded.
#include <catch2/catch.hpp>

#include <sys/resource.h>

#include "daemons/imapd/preauth.h"
#include "libcommon/protocol/imap/limits.h"
#include "tests/unit/imapd/fakes.h"

using namespace mailroom;

namespace {

std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

// Sends what it was given, and collects.
class OneShot : public Stream {
 public:
  explicit OneShot(std::string_view input) : input_{input} {}
  std::size_t read(std::span<char> into) override {
    const std::size_t count = std::min(into.size(), input_.size() - position_);
    input_.copy(into.data(), count, position_);
    position_ += count;
    return count;
  }
  void write(std::string_view bytes) override { output += bytes; }
  void set_deadline(std::chrono::steady_clock::time_point) override {}

  std::string output;

 private:
  std::string_view input_;
  std::size_t position_ = 0;
};

class NoTls : public TlsUpgrade {
 public:
  Stream& start() override { throw StreamError{StreamError::Kind::failed, "no TLS"}; }
};

std::vector<std::string> hostile_commands() {
  std::vector<std::string> commands;
  const auto line = [&](const std::string& text) { commands.push_back(text + "\r\n"); };
  line("a NOOP " + repeated("(", 1000000));
  commands.push_back("a NOOP " + repeated("(", 1000000));
  line("a ID (" + repeated("\"k\" \"v\" ", 1000000));
  for (const char* size : {"4294967295", "2147483648+", "18446744073709551616", "-1", "00000000001", "1}{1",
                           "99999999999999999999+"}) {
    line(std::string{"a LOGIN {"} + size + "}");
  }
  line("a LOGIN " + repeated("{5+}\r\nabcde", 100000));
  line("a AUTHENTICATE PLAIN {3}");
  line("a AUTHENTICATE PLAIN {3+}\r\nabc");
  line(repeated("t", 1000000) + " NOOP");
  line("+ NOOP");
  line("\x01 NOOP");
  line("a SEARCH " + repeated("{100000+}\r\n" + std::string(100000, 'x'), 20));
  line("a SEARCH " + repeated("OR ", 1000000) + "ALL");
  line("a SEARCH " + repeated("NOT ", 20000) + "ALL");
  line("a SEARCH " + repeated("(", 60000));
  line("a SEARCH " + repeated("BODY x ", 9000));
  line("a FETCH 1:4294967295 (" + repeated("BODY[] ", 10000) + ")");
  line("a UID FETCH " + repeated("1,", 1000000) + "1 FLAGS");
  line("a FETCH " + repeated("1:*,", 10000) + "2:* FLAGS)");
  line("a FETCH 1 BODY[HEADER.FIELDS (" + repeated("x ", 100000) + ")]");
  line("a FETCH 1 BODY[" + repeated("1.", 30000) + "1]");
  line("a STORE 1:* +FLAGS (" + repeated("k ", 20000) + ")");
  line("a LIST \"\" (" + repeated("a ", 20000) + ")");
  line("a APPEND x {9999999999}");
  line("a APPEND INBOX {9999999999}");
  line("a UID");
  line("a UID UID UID");
  line("a APPEND INBOX (\\Seen) {3+}\r\nabc (\\Seen) {3+}\r\nabc (");
  return commands;
}

long max_rss_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Every line of the answer that is not a greeting, continuation or untagged data refuses.
bool only_refusals(const std::string& output) {
  for (std::size_t from = 0; from < output.size();) {
    const std::size_t to = output.find("\r\n", from);
    const std::string line = output.substr(from, to - from);
    const bool refuses = line.find(" BAD ") != std::string::npos || line.find(" NO ") != std::string::npos;
    const bool other = line.starts_with("+ ") || line.starts_with("* BYE ") ||
                       line.starts_with("* OK [CAPABILITY") || line.starts_with("in OK ");
    if (!refuses && !other) return false;
    from = to + 2;
  }
  return true;
}

}  // namespace

TEST_CASE("hostile commands before login are refused, and no credentials are passed on") {
  const std::vector<std::string> commands = hostile_commands();
  const long before = max_rss_kib();
  for (const std::string& command : commands) {
    INFO(command.substr(0, 60));
    OneShot stream{command};
    Events events;
    FakeAuthenticator authenticator{events};
    NoTls tls;
    const auto login = imapd::run_preauth(stream, {.tls = imapd::TlsState::active}, authenticator, tls);
    CHECK_FALSE(login);
    CHECK(events.empty());
    CHECK(only_refusals(stream.output));
  }
  CHECK(max_rss_kib() - before < 32 * 1024);
}

TEST_CASE("hostile commands after login are refused") {
  const TemporaryAccount account;
  mailbox::Mailbox mail = account.open();
  append_message(mail, "INBOX", "Subject: x\r\n\r\nhi\r\n");
  const std::vector<std::string> commands = hostile_commands();
  const long before = max_rss_kib();
  for (const std::string& command : commands) {
    if (command.starts_with("a FETCH 1 ") || command.starts_with("a LOGIN {1}{1}")) continue;
    INFO(command.substr(0, 60));
    OneShot stream{command};
    ClientFirst wait;
    try {
      imapd::run_session(stream, mail, wait, {.context = "in"});
    } catch (const StreamError&) {
    }
    CHECK(only_refusals(stream.output));
  }
  CHECK(max_rss_kib() - before < 32 * 1024);
}

TEST_CASE("an endless line before login costs no memory") {
  class Endless : public OneShot {
   public:
    Endless() : OneShot{""} {}
    std::size_t read(std::span<char> into) override {
      if ((total_ += into.size()) > 268435456) return 0;
      std::ranges::fill(into, 'x');
      return into.size();
    }

   private:
    std::size_t total_ = 0;
  };
  const long before = max_rss_kib();
  Endless stream;
  Events events;
  FakeAuthenticator authenticator{events};
  NoTls tls;
  CHECK_FALSE(imapd::run_preauth(stream, {.tls = imapd::TlsState::active}, authenticator, tls));
  CHECK(max_rss_kib() - before < 4 * 1024);
}
