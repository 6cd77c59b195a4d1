// SECURITY.md V3, through the whole engine: one transaction, an end-of-data that only some servers would see,
// and a second envelope behind it.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "tests/unit/smtpd/fakes.h"

using namespace mailroom;
using namespace std::string_literals;
using transcript::ScriptStream;

namespace {

struct Outcome {
  std::vector<std::string> messages;
  std::string replies;  // of the end of data
  bool evil = false;    // an envelope from behind the sequence
};

// A client that reads no replies but waits for 354 once; its octets come `piece` at a time.
class Attacker : public Stream {
 public:
  Attacker(std::string envelope, std::string content, std::size_t piece)
      : parts_{std::move(envelope), std::move(content)}, piece_{piece} {}

  std::size_t read(std::span<char> into) override {
    if (part_ == 0 && at_ == parts_[0].size()) part_ = 1, at_ = 0, output.clear();
    const std::string& part = parts_[part_];
    const std::size_t count = std::min({into.size(), piece_, part.size() - at_});
    std::copy_n(part.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    return count;
  }
  void write(std::string_view bytes) override { output += bytes; }
  void set_deadline(std::chrono::steady_clock::time_point) override {}

  std::string output;

 private:
  std::string parts_[2];
  std::size_t piece_;
  std::size_t part_ = 0;
  std::size_t at_ = 0;
};

Outcome attack(const std::string& envelope, const std::string& content, std::size_t piece) {
  silence_log();
  Events events;
  SmtpFacts facts;
  facts.hostname = "mail.local.example";
  Attacker client{envelope, content, piece};
  FakePolicy policy{events};
  FakeSpool spool{events};
  FakeAuthenticator authenticator{events};
  transcript::Transcript none;
  ScriptStream unused{none, ScriptStream::Pace::segments};
  FakeTls tls{unused};
  FakeClock clock;
  run_smtp(facts, {client, policy, spool, authenticator, tls, clock});
  Outcome outcome{spool.messages, client.output, false};
  for (const auto& event : events)
    outcome.evil |= event.starts_with("recipient") && event.find("<evil@b>") != std::string::npos;
  return outcome;
}

const std::vector<std::string> kSequences = {
    "\n.\n",     "\n.\r\n",     "\r\n.\n",      "\r.\r",        "\r.\r\n",           "\r\n.\r",
    "\n.\r",     "\r\r\n.\r\n", "\r\n\0.\r\n"s, "\r\n.\0\r\n"s, "\r\n .\r\n",        "\r\n.\r\r\n",
    "\n\n.\r\n", "\r\n..\r\n",  "\x0b.\x0b",    "\x85.\x85",    "\xe2\x80\xa8.\r\n",
};

bool has_bare(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return true;
    if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) return true;
  }
  return false;
}

std::string unstuffed(std::string text) {
  for (std::size_t at = 0; (at = text.find("\r\n.", at)) != std::string::npos; at += 2) text.erase(at + 2, 1);
  return text;
}

const std::string kEnvelope = "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@local.example>\r\nDATA\r\n";
const std::string kBehind =
    "MAIL FROM:<evil@b>\r\nRCPT TO:<u@local.example>\r\nDATA\r\nSubject: evil\r\n\r\nx";

}  // namespace

TEST_CASE("no sequence smuggles a message into DATA") {
  for (const auto& sequence : kSequences) {
    for (const std::size_t padding : {0U, 4000U, 16300U}) {
      const std::string body =
          "Subject: t\r\n\r\nbody" + std::string(padding, 'p') + sequence + kBehind + "\r\n";
      for (const std::size_t piece : {1U, 7U, 4096U, 16384U, 100000U}) {
        INFO(transcript::escape(sequence) << " padding " << padding << " piece " << piece);
        const Outcome outcome = attack(kEnvelope, body + ".\r\nQUIT\r\n", piece);
        CHECK_FALSE(outcome.evil);
        if (has_bare(body)) {
          CHECK(outcome.messages.empty());
          CHECK(outcome.replies ==
                "550 5.5.2 The message has a CR or LF that stands alone; send lines that end in CRLF\r\n");
        } else {
          CHECK(outcome.messages == std::vector{unstuffed(body)});
          CHECK(outcome.replies ==
                "250 2.0.0 Queued\r\n221 2.0.0 mail.local.example closes the connection\r\n");
        }
      }
    }
  }
}

TEST_CASE("the matrix straddles the read buffer at every octet") {
  for (const auto& sequence : kSequences) {
    for (std::size_t before = 16384 - 24; before <= 16384; ++before) {
      const std::string body = std::string(before, 'p') + sequence + kBehind + "\r\n";
      const Outcome outcome = attack(kEnvelope, body + ".\r\nQUIT\r\n", 16384);
      INFO(transcript::escape(sequence) << " before " << before);
      CHECK_FALSE(outcome.evil);
      CHECK(outcome.messages.size() == (has_bare(body) ? 0 : 1));
    }
  }
}

TEST_CASE("BDAT content is kept as it is or refused, never framed anew") {
  for (const auto& sequence : kSequences) {
    const std::string body = "Subject: t\r\n\r\nbody" + sequence + kBehind + "\r\n.\r\n";
    const std::string envelope = "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@local.example>\r\n";
    for (const std::size_t first :
         {std::size_t{0}, std::size_t{18}, std::size_t{19}, std::size_t{20}, std::size_t{21}}) {
      INFO(transcript::escape(sequence) << " first chunk " << first);
      const std::string chunks = fmt::format("BDAT {}\r\n", first) + body.substr(0, first) +
                                 fmt::format("BDAT {} LAST\r\n", body.size() - first) + body.substr(first) +
                                 "NOOP\r\n";
      const Outcome outcome = attack(envelope, chunks, 1);
      CHECK_FALSE(outcome.evil);
      if (has_bare(body)) {
        CHECK(outcome.messages.empty());
      } else {
        CHECK(outcome.messages == std::vector{body});
      }
      CHECK(outcome.replies.ends_with("250 2.0.0 OK\r\n"));
    }
  }
}

TEST_CASE("content goes to the spool in large chunks, a small message at once") {
  Events events;
  FakeSpool spool{events};
  {
    IncomingMessage message{spool, 1, {1 << 30, 50}};
    message.prepend("X: y\r\n");
    for (int i = 0; i < 1000; ++i) message.content("0123456789\r\n");
    CHECK(message.finish().code == 250);
    CHECK(spool.writes == 0);
  }
  IncomingMessage message{spool, 2, {1 << 30, 50}};
  message.content("\r\n" + std::string(10 * kContentChunk, 'x'));
  CHECK(message.finish().code == 250);
  CHECK(spool.writes == 10);
  CHECK(message.octets() == 10 * kContentChunk + 2);
}

namespace {

// What the spool gets, by octets or in one piece.
std::string spooled(const std::string& content, bool completed, std::size_t piece) {
  Events events;
  FakeSpool spool{events};
  IncomingMessage message{spool, 1, {1 << 30, 50}};
  message.prepend("\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
  if (completed) message.complete({0, "1.2", "mail.example"});
  for (std::size_t at = 0; at < content.size(); at += piece)
    message.content(std::string_view{content}.substr(at, piece));
  CHECK(message.finish().code == 250);
  return spool.messages.at(0);
}

}  // namespace

TEST_CASE("a first line that begins with a blank does not continue our Received field") {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
    CHECK(spooled(" x\r\nA: b\r\n\r\nc\r\n", false, piece) == "\r\n x\r\nA: b\r\n\r\nc\r\n");
    CHECK(spooled("\tx\r\n", false, piece) == "\r\n\tx\r\n");
    CHECK(spooled("\r\n x\r\n", false, piece) == "\r\n x\r\n");
    CHECK(spooled("A: b\r\n c\r\n", false, piece) == "A: b\r\n c\r\n");
  }
}

TEST_CASE("submitted mail gets the Date and Message-ID that it lacks, RFC 6409 8") {
  const std::string date = "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n",
                    id = "Message-ID: <1.2@mail.example>\r\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
    CHECK(spooled("A: b\r\n\r\nDate: x\r\n", true, piece) == date + id + "A: b\r\n\r\nDate: x\r\n");
    CHECK(spooled("date: x\r\n\r\n", true, piece) == id + "date: x\r\n\r\n");
    CHECK(spooled("Message-Id: x\r\n\r\n", true, piece) == date + "Message-Id: x\r\n\r\n");
    CHECK(spooled("Date: x\r\nMessage-ID: y\r\n\r\nz\r\n", true, piece) ==
          "Date: x\r\nMessage-ID: y\r\n\r\nz\r\n");
    CHECK(spooled("A: b\r\n", true, piece) == date + id + "A: b\r\n");  // it ends within its header
    CHECK(spooled("\r\nbody\r\n", true, piece) == date + id + "\r\nbody\r\n");
    CHECK(spooled(" body\r\n", true, piece) == date + id + "\r\n body\r\n");
  }
}
