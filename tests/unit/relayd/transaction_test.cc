// One message over one session: what goes on the wire, and whose recipients' each reply is.
#include <catch2/catch.hpp>

#include "tests/unit/relayd/fake_server.h"

using namespace mailroom;
using namespace mailroom::relayd;
using routing::Protocol;

namespace {

constexpr std::string_view kContent = "Subject: test\r\n\r\nText.\r\n.dots\r\n";
const std::string kStuffed = "Subject: test\r\n\r\nText.\r\n..dots\r\n.\r\n";

struct Outbound {
  explicit Outbound(FakeServer& far_side, Protocol protocol = Protocol::smtp,
                    routing::TlsRequirement tls = {})
      : server{far_side}, bench{{&far_side}} {
    REQUIRE(std::holds_alternative<Connected>(bench.connect(protocol, tls)));
    server.received.clear();
  }
  Sent send(const Send& message) { return bench.client.send(message, message.content); }

  FakeServer& server;
  Bench bench;
};

// "1:250 2:550@rcpt 3:cut@data"
std::string summary(const Sent& sent) {
  constexpr const char* kStages[] = {"connect", "mail", "rcpt", "data", "final"};
  std::string text;
  for (const RecipientOutcome& outcome : sent.outcomes) {
    if (!text.empty()) text += ' ';
    text += std::to_string(outcome.number) + ":";
    if (outcome.failure == RelayFailure::none) text += std::to_string(outcome.reply.code);
    if (outcome.failure == RelayFailure::cut) text += "cut";
    if (outcome.failure == RelayFailure::unsupported) text += "unsupported";
    text += std::string{"@"} + kStages[static_cast<int>(outcome.stage)];
  }
  return text + (sent.reusable ? " reusable" : "");
}

void without(FakeServer& server, std::string_view keyword) {
  std::erase_if(server.extensions, [&](const std::string& each) { return each.starts_with(keyword); });
}

}  // namespace

TEST_CASE("with PIPELINING and CHUNKING a small message is one write") {
  FakeServer server;
  Outbound out{server};
  const Sent sent = out.send(message_for({"a@x.example", "b@x.example"}));
  CHECK(summary(sent) == "1:250@final 2:250@final reusable");
  CHECK(sent.queue_id == 7);
  CHECK(server.received == "MAIL FROM:<from@here.example> SIZE=" + std::to_string(kContent.size()) +
                               "\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nBDAT " +
                               std::to_string(kContent.size()) + " LAST\r\n" + std::string{kContent});
  REQUIRE(server.taken.size() == 1);
  CHECK(server.taken[0] ==
        FakeServer::Taken{"from@here.example", {"a@x.example", "b@x.example"}, std::string{kContent}});
}

TEST_CASE("with PIPELINING alone the content waits for 354, and dots are doubled") {
  FakeServer server;
  without(server, "CHUNKING");
  Outbound out{server};
  CHECK(summary(out.send(message_for({"a@x.example"}))) == "1:250@final reusable");
  CHECK(server.received.ends_with("RCPT TO:<a@x.example>\r\nDATA\r\n" + kStuffed));
  CHECK(server.taken.at(0).content == kContent);
}

TEST_CASE("without PIPELINING nothing is said before the reply to what came before") {
  FakeServer server;
  server.extensions = {"8BITMIME"};
  server.replies["RCPT"] = {"450 4.2.1 Later\r\n", "250 Ok\r\n"};
  Outbound out{server};
  CHECK(summary(out.send(message_for({"a@x.example", "b@x.example"}))) == "1:450@rcpt 2:250@final reusable");
  CHECK(server.taken.at(0).recipients == std::vector<std::string>{"b@x.example"});
}

TEST_CASE("replies belong to the recipients they were given for") {
  FakeServer server;
  server.replies["RCPT"] = {"550 5.1.1 No such user\r\n", "250 Ok\r\n", "451 4.3.0 Try later\r\n",
                            "251 Will forward\r\n"};
  for (const bool chunked : {true, false}) {
    if (!chunked) without(server, "CHUNKING");
    auto replies = server.replies;
    Outbound out{server};
    const Sent sent = out.send(message_for({"a@x.example", "b@x.example", "c@x.example", "d@x.example"}));
    CHECK(summary(sent) == "1:550@rcpt 2:250@final 3:451@rcpt 4:250@final reusable");
    CHECK(sent.outcomes[0].reply == Reply{550, "5.1.1", "No such user"});
    CHECK(server.taken.back().recipients == std::vector<std::string>{"b@x.example", "d@x.example"});
    server.replies = {
        {"RCPT",
         {"550 5.1.1 No such user\r\n", "250 Ok\r\n", "451 4.3.0 Try later\r\n", "251 Will forward\r\n"}}};
  }
}

TEST_CASE("a refused sender is every recipient's refusal, whatever is said of them") {
  FakeServer server;
  server.replies["MAIL"] = {"550-5.7.1 We do not\r\n550 5.7.1 want this\r\n"};
  Outbound out{server};
  const Sent sent = out.send(message_for({"a@x.example", "b@x.example"}));
  CHECK(summary(sent) == "1:550@mail 2:550@mail reusable");
  CHECK(sent.outcomes[1].reply == Reply{550, "5.7.1", "We do not want this"});
  CHECK(server.taken.empty());
}

TEST_CASE("when all are refused and content is wanted nevertheless, there is a lone dot (RFC 2920 3.1)") {
  FakeServer server;
  without(server, "CHUNKING");
  server.replies["RCPT"] = {"550 5.1.1 No\r\n"};
  server.replies["DATA"] = {"354 Go on\r\n"};
  Outbound out{server};
  CHECK(summary(out.send(message_for({"a@x.example"}))) == "1:550@rcpt reusable");
  CHECK(server.received.ends_with("DATA\r\n.\r\n"));
  CHECK(server.saw_end_after_refusals);
}

TEST_CASE("after a transaction that had no content the next one begins with RSET") {
  for (const bool pipelining : {true, false}) {
    FakeServer server;
    if (!pipelining) without(server, "PIPELINING");
    server.replies["RCPT"] = {"550 5.1.1 No\r\n"};
    without(server, "CHUNKING");
    Outbound out{server};
    CHECK(summary(out.send(message_for({"a@x.example"}))) == "1:550@rcpt reusable");
    server.received.clear();
    CHECK(summary(out.send(message_for({"b@x.example"}))) == "1:250@final reusable");
    CHECK(server.received.starts_with("RSET\r\nMAIL FROM:"));
    server.received.clear();
    CHECK(summary(out.send(message_for({"c@x.example"}))) == "1:250@final reusable");
    CHECK(server.received.starts_with("MAIL FROM:"));
  }
}

TEST_CASE("a refused content is the refusal of those who were accepted") {
  FakeServer server;
  server.replies["RCPT"] = {"250 Ok\r\n", "550 5.1.1 No\r\n"};
  server.replies["content"] = {"554 5.6.0 Spam\r\n"};
  Outbound out{server};
  CHECK(summary(out.send(message_for({"a@x.example", "b@x.example"}))) == "1:554@final 2:550@rcpt reusable");
}

TEST_CASE("a refused DATA") {
  FakeServer server;
  without(server, "CHUNKING");
  server.replies["DATA"] = {"452 4.3.1 No space\r\n"};
  Outbound out{server};
  CHECK(summary(out.send(message_for({"a@x.example"}))) == "1:452@data reusable");
}

TEST_CASE("LMTP: one reply after the content for each accepted recipient") {
  FakeServer server;
  server.lmtp = true;
  server.replies["RCPT"] = {"250 Ok\r\n", "550 5.1.1 No\r\n", "250 Ok\r\n", "250 Ok\r\n"};
  server.replies["content"] = {"250 2.0.0 Ok\r\n", "452 4.2.2 Full\r\n", "250 2.0.0 Ok\r\n"};
  Outbound out{server, Protocol::lmtp};
  CHECK(summary(out.send(message_for({"a@x", "b@x", "c@x", "d@x"}))) ==
        "1:250@final 2:550@rcpt 3:452@final 4:250@final reusable");
  CHECK(server.taken.at(0).recipients == std::vector<std::string>{"a@x", "d@x"});
}

TEST_CASE("421 counts for all that has no reply, and ends the connection") {
  for (const char* step : {"MAIL", "RCPT", "DATA", "content"}) {
    FakeServer server;
    without(server, "CHUNKING");
    server.replies[step] = {"421 4.3.2 Going down\r\n"};
    Outbound out{server};
    const Sent sent = out.send(message_for({"a@x.example", "b@x.example"}));
    CAPTURE(step);
    CHECK(sent.outcomes[0].reply.code == 421);
    CHECK(sent.outcomes[1].reply.code == 421);
    CHECK_FALSE(sent.reusable);
    CHECK(server.taken.empty());
  }
}

TEST_CASE("421 behind the reply to the content changes nothing of it") {
  FakeServer server;
  server.replies["content"] = {"250 Taken\r\n421 Bye\r\n"};
  Outbound out{server};
  const Sent sent = out.send(message_for({"a@x.example"}));
  CHECK(sent.outcomes[0].reply.code == 250);
  CHECK_FALSE(sent.reusable);
}

// ---- parameters

TEST_CASE("DSN parameters are said where they are known, and only there") {
  Send message = message_for({"a@x.example", "b@x.example"});
  message.mail.ret = ReturnContent::headers;
  message.mail.envid = "id+2B1";
  message.recipients[0].notify =
      static_cast<std::uint8_t>(Notify::success) | static_cast<std::uint8_t>(Notify::delay);
  message.recipients[0].orcpt = "rfc822;a@x.example";
  message.recipients[1].notify = static_cast<std::uint8_t>(Notify::never);
  FakeServer knows;
  Outbound out{knows};
  out.send(message);
  CHECK(knows.received.find(" RET=HDRS ENVID=id+2B1\r\n") != std::string::npos);
  CHECK(knows.received.find("RCPT TO:<a@x.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@x.example\r\n") !=
        std::string::npos);
  CHECK(knows.received.find("RCPT TO:<b@x.example> NOTIFY=NEVER\r\n") != std::string::npos);
  FakeServer does_not;
  without(does_not, "DSN");
  Outbound other{does_not};
  other.send(message);
  CHECK(does_not.received.find("RET=") == std::string::npos);
  CHECK(does_not.received.find("NOTIFY=") == std::string::npos);
}

TEST_CASE("nothing in a parameter or an address can end a command") {
  FakeServer server;
  Outbound out{server};
  Send message =
      message_for({"a@x.example>\r\nRSET", "b@x.example", "c d@x.example", "\"quoted > one\"@x.example", ""});
  message.mail.envid = "a\r\nRSET";
  message.recipients[1].orcpt = "rfc822;x y";
  CHECK(summary(out.send(message)) ==
        "1:unsupported@rcpt 2:250@final 3:unsupported@rcpt 4:250@final 5:unsupported@rcpt reusable");
  CHECK(server.received.find("RSET") == std::string::npos);
  CHECK(server.received.find("ORCPT") == std::string::npos);
  CHECK(server.received.find("ENVID") == std::string::npos);
  message.reverse_path = "x@y>\r\nRSET\r\n";
  server.received.clear();
  CHECK(summary(out.send(message)).starts_with("1:unsupported@mail"));
  CHECK(server.received.empty());
}

TEST_CASE("8-bit text needs 8BITMIME; nothing is converted") {
  Send message = message_for({"a@x.example"});
  message.content = "Subject: x\r\n\r\nGr\xc3\xbc\xc3\x9f"
                    "e\r\n";
  FakeServer can, cannot;
  Outbound out{can};
  CHECK(summary(out.send(message)) == "1:250@final reusable");
  CHECK(can.received.find(" BODY=8BITMIME") != std::string::npos);
  without(cannot, "8BITMIME");
  Outbound other{cannot};
  const Sent sent = other.send(message);
  CHECK(summary(sent) == "1:unsupported@mail reusable");
  CHECK(sent.outcomes[0].reply.enhanced == "5.6.3");
  CHECK(cannot.received.empty());
  // Declared, but not there.
  message.content = "Subject: x\r\n\r\nplain\r\n";
  message.mail.body = BodyType::eight_bit_mime;
  CHECK(summary(other.send(message)) == "1:250@final reusable");
}

TEST_CASE("internationalised mail needs SMTPUTF8, mail that is only declared so does not") {
  FakeServer can, cannot;
  can.extensions.push_back("SMTPUTF8");
  Outbound out{can}, other{cannot};
  Send message = message_for({"gr\xc3\xbc\xc3\x9f"
                              "e@x.example"});
  message.mail.smtputf8 = true;
  CHECK(summary(out.send(message)) == "1:250@final reusable");
  CHECK(can.received.find(" SMTPUTF8\r\n") != std::string::npos);
  const Sent sent = other.send(message);
  CHECK(summary(sent) == "1:unsupported@mail reusable");
  CHECK(sent.outcomes[0].reply.enhanced == "5.6.7");
  message.recipients[0].address = "a@x.example";
  CHECK(summary(other.send(message)) == "1:250@final reusable");
  message.content = "Subject: gr\xc3\xbc\xc3\x9f"
                    "e\r\n\r\ntext\r\n";
  CHECK(summary(other.send(message)) == "1:unsupported@mail reusable");
}

TEST_CASE("SIZE is minded, absurd ones are not") {
  Send message = message_for({"a@x.example"});
  FakeServer small;
  small.extensions = {"PIPELINING", "SIZE 10"};
  Outbound out{small};
  const Sent sent = out.send(message);
  CHECK(summary(sent) == "1:unsupported@mail reusable");
  CHECK(sent.outcomes[0].reply.enhanced == "5.3.4");
  for (const char* size :
       {"SIZE", "SIZE 0", "SIZE -1", "SIZE 99999999999999999999999", "SIZE x", "SIZE 18446744073709551616"}) {
    FakeServer absurd;
    absurd.extensions = {size};
    Outbound other{absurd};
    CAPTURE(size);
    CHECK(summary(other.send(message)) == "1:250@final reusable");
    CHECK(absurd.received.find(" SIZE=") != std::string::npos);
  }
}

TEST_CASE("REQUIRETLS messages go over sessions with it alone") {
  Send message = message_for({"a@x.example"});
  message.mail.requiretls = true;
  FakeServer plain, secure;
  Outbound out{plain};
  CHECK(summary(out.send(message)) == "1:unsupported@mail reusable");
  CHECK(plain.received.empty());
  secure.extensions = {"STARTTLS", "REQUIRETLS"};
  Outbound unproved{secure};
  CHECK(summary(unproved.send(message)) == "1:unsupported@mail reusable");
  FakeServer proved = secure;
  Outbound other{proved, Protocol::smtp, {.level = routing::TlsLevel::certificate}};
  CHECK(summary(other.send(message)) == "1:250@final reusable");
  CHECK(proved.received.find("MAIL FROM:<from@here.example> REQUIRETLS\r\n") != std::string::npos);
}

TEST_CASE("a report about a REQUIRETLS message goes without it rather than not at all (RFC 8689 5)") {
  Send report = message_for({"a@x.example"});
  report.reverse_path = "";
  report.mail.requiretls = true;
  FakeServer plain;
  Outbound out{plain};
  CHECK(summary(out.send(report)) == "1:250@final reusable");
  CHECK(plain.received.find("REQUIRETLS") == std::string::npos);
  FakeServer secure;
  secure.extensions = {"STARTTLS", "REQUIRETLS"};
  Outbound other{secure, Protocol::smtp, {.level = routing::TlsLevel::dane}};
  CHECK(summary(other.send(report)) == "1:250@final reusable");
  CHECK(secure.received.find("MAIL FROM:<> REQUIRETLS\r\n") != std::string::npos);
}

// ---- content

TEST_CASE("a CR or LF that stands alone is never sent (SECURITY.md V3)") {
  for (const char* sequence : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r",
                               "\r\r\n.\r\n", "\r\n.\r\r\n", "\n\n.\r\n"}) {
    for (const bool chunked : {true, false}) {
      FakeServer server;
      if (!chunked) without(server, "CHUNKING");
      Outbound out{server};
      Send message = message_for({"a@x.example"});
      message.content = std::string{"Subject: t\r\n\r\nbody"} + sequence + "MAIL FROM:<evil@b>\r\n";
      CHECK(summary(out.send(message)) == "1:unsupported@mail reusable");
      CHECK(server.received.empty());
    }
  }
}

TEST_CASE("whatever the content is, a server by the letter finds all of it") {
  for (const char* content :
       {"", "\r\n", ".\r\n", "..\r\n", ".", "x", "\r\n.\r\n.\r\n", "x\r\n..\r\n.", "\r\n .\r\n"}) {
    for (const char* extension : {"CHUNKING", "PIPELINING", "DSN"}) {
      FakeServer server;
      server.extensions = {extension};
      Outbound out{server};
      Send message = message_for({"a@x.example"});
      message.content = content;
      CAPTURE(content, extension);
      CHECK(summary(out.send(message)) == "1:250@final reusable");
      std::string expected = content;
      // DATA has no content without a line end (RFC 5321 4.1.1.4).
      if (extension != std::string{"CHUNKING"} && !expected.empty() && !expected.ends_with("\r\n"))
        expected += "\r\n";
      CHECK(server.taken.at(0).content == expected);
    }
  }
}

TEST_CASE("large content goes after the recipients are known") {
  std::string content = "Subject: large\r\n\r\n";
  while (content.size() < 5 * kSmallContent) content += ".a line\r\n";
  for (const char* extension : {"CHUNKING", "PIPELINING", "DSN"}) {
    FakeServer server, refusing;
    server.extensions = refusing.extensions = {extension, "PIPELINING"};
    Outbound out{server}, other{refusing};
    Send message = message_for({"a@x.example"});
    message.content = content;
    CHECK(summary(out.send(message)) == "1:250@final reusable");
    CHECK(server.taken.at(0).content == content);
    refusing.replies["RCPT"] = {"550 5.1.1 No\r\n"};
    CHECK(summary(other.send(message)) == "1:550@rcpt reusable");
    CHECK(refusing.received.size() < 1000);
  }
}

// ---- servers that do as they like (SECURITY.md V19)

namespace {

// Neither taken nor refused for good.
void check_cut(const Sent& sent) {
  for (const RecipientOutcome& outcome : sent.outcomes) {
    CHECK(outcome.failure == RelayFailure::cut);
    CHECK(outcome.reply.code == 0);
  }
  CHECK_FALSE(sent.reusable);
}

}  // namespace

TEST_CASE("more replies than commands decide nothing") {
  for (const char* step : {"MAIL", "RCPT", "content"}) {
    FakeServer server;
    server.replies[step] = {"250 Ok\r\n250 Ok\r\n"};
    Outbound out{server};
    CAPTURE(step);
    check_cut(out.send(message_for({"a@x.example", "b@x.example"})));
  }
  FakeServer refusing;
  refusing.replies["RCPT"] = {"550 5.1.1 No\r\n550 5.1.1 No\r\n"};
  Outbound out{refusing};
  check_cut(out.send(message_for({"a@x.example", "b@x.example"})));
}

TEST_CASE("354 followed by the reply to the content that has not been sent") {
  FakeServer server;
  without(server, "CHUNKING");
  server.replies["DATA"] = {"354 Go on\r\n250 Taken\r\n"};
  Outbound out{server};
  check_cut(out.send(message_for({"a@x.example"})));
  CHECK(server.received.ends_with("DATA\r\n"));
}

TEST_CASE("a reply before the end of large content: only a refusal can be meant") {
  Send message = message_for({"a@x.example", "b@x.example"});
  while (message.content.size() < 5 * kSmallContent) message.content += "a line\r\n";
  for (const char* extension : {"CHUNKING", "DSN"}) {
    FakeServer eager, refusing, gone;
    eager.extensions = refusing.extensions = gone.extensions = {"PIPELINING", extension};
    eager.early_at = refusing.early_at = 100'000;
    eager.early = "250 2.0.0 Taken\r\n";
    refusing.early = "552 5.3.4 Too large\r\n";
    gone.cut_received = 100'000;
    Outbound first{eager}, second{refusing}, third{gone};
    check_cut(first.send(message));
    CHECK(summary(second.send(message)) == "1:552@final 2:552@final");
    check_cut(third.send(message));
    CHECK(eager.taken.empty());
  }
}

TEST_CASE("replies of the wrong kind") {
  struct Case {
    const char* step;
    const char* reply;
  };
  for (const Case& each : {Case{"MAIL", "354 Go on\r\n"},
                           {"RCPT", "354 Go on\r\n"},
                           {"DATA", "250 Ok\r\n"},
                           {"DATA", "220 Ok\r\n"},
                           {"content", "354 Again\r\n"},
                           {"MAIL", "110 Ok\r\n"},
                           {"RCPT", "999 Ok\r\n"},
                           {"RCPT", "Ok\r\n"},
                           {"RCPT", "250-Ok\r\n550 No\r\n"},
                           {"RCPT", "25\0 Ok\r\n"},
                           {"content", "250 Ok\n"},
                           {"content", "250\n550 x\r\n"},
                           {"MAIL", "\r\n"}}) {
    FakeServer server;
    without(server, "CHUNKING");
    server.replies[each.step] = {each.reply};
    Outbound out{server};
    CAPTURE(each.step, each.reply);
    check_cut(out.send(message_for({"a@x.example", "b@x.example"})));
  }
}

TEST_CASE("a server that says yes to nothing") {
  FakeServer server;
  Outbound out{server};
  server.say("250 Ok\r\n");
  CHECK(out.bench.client.has_left());
  FakeServer late;
  Outbound other{late};
  late.say("250 Ok\r\n250 Ok\r\n250 Ok\r\n");
  check_cut(other.send(message_for({"a@x.example"})));
}

TEST_CASE("what a server says is kept in printable ASCII, bounded") {
  FakeServer server;
  server.replies["RCPT"] = {"550-5.1.1 a\x0bX\xc3\xbc\x1b[2J\r\n550 5.1.1 b\rc" + std::string(1, '\0') +
                            std::string(1500, 'x') + "\r\n"};
  Outbound out{server};
  const Sent sent = out.send(message_for({"a@x.example"}));
  const std::string& text = sent.outcomes[0].reply.text;
  CHECK(text.starts_with("a?X???[2J b?c?xxx"));
  CHECK(text.size() <= 512);
  CHECK(sent.outcomes[0].reply.enhanced == "5.1.1");
}

TEST_CASE("a server that never replies") {
  FakeServer server;
  server.replies["MAIL"] = {""};
  server.replies["RCPT"] = {""};
  server.replies["content"] = {""};
  Outbound out{server};
  check_cut(out.send(message_for({"a@x.example"})));
}

TEST_CASE("a server that goes between two messages") {
  FakeServer server;
  Outbound out{server};
  CHECK(summary(out.send(message_for({"a@x.example"}))) == "1:250@final reusable");
  CHECK_FALSE(out.bench.client.has_left());
  server.close();
  CHECK(out.bench.client.has_left());
}
