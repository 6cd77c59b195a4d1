// The network cut at every octet of a dialogue, in both directions.
//
// For each place: nobody is told "taken" without the far side's whole reply to the content, nobody is refused
// for good that the far side did not refuse, and who is not "taken" although the far side has taken the
// message is one whose final reply did not arrive.
#include <catch2/catch.hpp>

#include <set>

#include "tests/unit/relayd/fake_server.h"

using namespace mailroom;
using namespace mailroom::relayd;
using routing::Protocol;

namespace {

struct Dialogue {
  const char* name;
  Protocol protocol;
  std::vector<std::string> extensions;
  std::size_t content_size;
  bool one_write = false;
};

const Dialogue kDialogues[] = {
    {"BDAT, pipelined", Protocol::smtp, {"PIPELINING", "CHUNKING"}, 0, true},
    {"DATA, pipelined", Protocol::smtp, {"PIPELINING"}, 0},
    {"DATA, step by step", Protocol::smtp, {"8BITMIME"}, 0},
    {"BDAT, step by step", Protocol::smtp, {"CHUNKING"}, 0},
    {"HELO", Protocol::smtp, {}, 0},
    {"STARTTLS", Protocol::smtp, {"STARTTLS", "PIPELINING"}, 0},
    {"LMTP", Protocol::lmtp, {"PIPELINING"}, 0},
    {"large, BDAT", Protocol::smtp, {"PIPELINING", "CHUNKING"}, 150'000},
    {"large, DATA", Protocol::smtp, {"PIPELINING"}, 150'000},
};

FakeServer server_of(const Dialogue& dialogue) {
  FakeServer server;
  server.extensions = dialogue.extensions;
  server.lmtp = dialogue.protocol == Protocol::lmtp;
  if (dialogue.extensions.empty()) server.replies["EHLO"] = {"502 No\r\n"};
  server.replies["RCPT"] = {"250 Ok\r\n", "550 5.1.1 No such user\r\n", "250 Ok\r\n"};
  return server;
}

Send message_of(const Dialogue& dialogue) {
  Send message = message_for({"a@x.example", "refused@x.example", "c@x.example"});
  while (message.content.size() < dialogue.content_size) message.content += "a line of the content\r\n";
  return message;
}

// Whom the far side has taken the message for.
std::set<std::string> taken_by(const FakeServer& server) {
  std::set<std::string> all;
  for (const auto& each : server.taken) all.insert(each.recipients.begin(), each.recipients.end());
  return all;
}

struct Run {
  bool connected = false;
  std::optional<Sent> sent;
};

Run run(const Dialogue& dialogue, FakeServer& server) {
  Bench bench{{&server}};
  const auto result = bench.connect(dialogue.protocol);
  if (!std::holds_alternative<Connected>(result)) return {};
  const Send message = message_of(dialogue);
  return {true, bench.client.send(message, message.content)};
}

void check(const Dialogue& dialogue, FakeServer& server) {
  const Run done = run(dialogue, server);
  if (!done.sent) {
    REQUIRE(server.taken.empty());
    return;
  }
  const std::set<std::string> taken = taken_by(server);
  const Send message = message_of(dialogue);
  REQUIRE(done.sent->outcomes.size() == message.recipients.size());
  for (std::size_t i = 0; i < message.recipients.size(); ++i) {
    const RecipientOutcome& outcome = done.sent->outcomes[i];
    const std::string& address = message.recipients[i].address;
    CAPTURE(address, outcome.reply.code, outcome.reply.text);
    REQUIRE(outcome.number == message.recipients[i].number);
    const bool said_taken = outcome.failure == RelayFailure::none && outcome.reply.accepted();
    const bool said_never = (outcome.failure == RelayFailure::none && outcome.reply.code >= 500) ||
                            outcome.failure == RelayFailure::unsupported;
    if (said_taken) REQUIRE(taken.contains(address));
    if (said_never) REQUIRE(address == "refused@x.example");
    if (said_never) REQUIRE(outcome.reply.text == "No such user");
    // Then another host may have it at once.
    const bool said_not_taken =
        outcome.failure == RelayFailure::cut && outcome.stage != RelayStage::final_dot;
    if (said_not_taken) REQUIRE_FALSE(taken.contains(address));
  }
}

// Every octet of a small dialogue; of a large one a number of places that meets each of its parts.
std::size_t stride(const Dialogue& dialogue, std::size_t at) {
  return dialogue.content_size == 0 || at < 600 ? 1 : 997;
}

}  // namespace

TEST_CASE("cut at every octet that the far side receives") {
  for (const Dialogue& dialogue : kDialogues) {
    CAPTURE(dialogue.name);
    FakeServer whole = server_of(dialogue);
    const Run done = run(dialogue, whole);
    REQUIRE(done.sent);
    REQUIRE(done.sent->outcomes[0].reply.code == 250);
    REQUIRE(done.sent->outcomes[1].reply.code == 550);
    for (std::size_t at = 0; at < whole.received.size(); at += stride(dialogue, at)) {
      CAPTURE(at);
      FakeServer server = server_of(dialogue);
      server.cut_received = at;
      check(dialogue, server);
      if (dialogue.protocol != Protocol::lmtp) REQUIRE(server.taken.empty());
    }
  }
}

TEST_CASE("cut at every octet that the far side sends") {
  for (const Dialogue& dialogue : kDialogues) {
    CAPTURE(dialogue.name);
    FakeServer whole = server_of(dialogue);
    run(dialogue, whole);
    const std::size_t all = whole.sent();
    REQUIRE(all > 100);
    std::size_t twice = 0;
    for (std::size_t at = 0; at < all; ++at) {
      CAPTURE(at);
      FakeServer server = server_of(dialogue);
      server.cut_sent = at;
      check(dialogue, server);
      if (!taken_by(server).empty()) ++twice;
    }
    // Where a message may come twice: it was taken, and the reply did not arrive.  All replies to a dialogue
    // in one write are such a reply.
    const std::string last = dialogue.protocol == Protocol::lmtp ? "250 2.0.0 Taken\r\n250 2.0.0 Taken\r\n"
                                                                 : "250 2.0.0 Taken\r\n";
    const std::string all_of_one_write =
        "250 2.1.0 Ok\r\n250 Ok\r\n550 5.1.1 No such user\r\n250 Ok\r\n" + last;
    // Cut before the first octet of it there was no reason to send the content.
    CHECK(twice == (dialogue.one_write ? all_of_one_write : last).size() - 1);
  }
}

TEST_CASE("told to end at every octet: what the far side has is answered, and it gets nothing else") {
  for (const Dialogue& dialogue : kDialogues) {
    CAPTURE(dialogue.name);
    FakeServer whole = server_of(dialogue);
    run(dialogue, whole);
    std::size_t answered = 0;
    for (std::size_t at = 0; at <= whole.received.size(); at += stride(dialogue, at)) {
      CAPTURE(at);
      FakeServer server = server_of(dialogue);
      server.told_at = at;
      std::optional<Sent> sent;
      try {
        sent = run(dialogue, server).sent;
      } catch (const Stopped&) {
        REQUIRE(server.taken.empty());
        continue;
      }
      REQUIRE(sent);
      REQUIRE(taken_by(server) == std::set<std::string>{"a@x.example", "c@x.example"});
      REQUIRE(sent->outcomes[0].reply.code == 250);
      REQUIRE(sent->outcomes[1].reply.code == 550);
      REQUIRE(sent->outcomes[2].reply.code == 250);
      REQUIRE_FALSE(sent->reusable);
      ++answered;
    }
    CHECK(answered > 0);
  }
}

TEST_CASE("told to end before a second message, the first one's patience is over") {
  FakeServer server;
  Bench bench{{&server}};
  REQUIRE(std::holds_alternative<Connected>(bench.connect()));
  const Send message = message_for({"a@x.example"});
  REQUIRE(bench.client.send(message, message.content).reusable);
  server.extensions = {};
  server.told_at = 0;
  server.replies["MAIL"] = {"250 2.1.0 Ok\r\n"};
  const std::string large(2 * kSmallContent, 'x');
  CHECK_THROWS_AS(bench.client.send(message, large), Stopped);
  CHECK(server.taken.size() == 1);
}
