#include "daemons/queued/server.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "tests/unit/queued/system.h"

using namespace mailroom;
using namespace mailroom::queued;
using namespace mailroom::queued::test;

namespace {

const std::string kMessage = "From: a@example.net\r\nSubject: hello\r\n\r\nBody\r\n";

Content whole(TransactionId transaction, std::string bytes = kMessage) {
  return {transaction, true, std::move(bytes)};
}

template <typename T, typename End>
T ask(System& system, End& tool, const ToolToQueued& request) {
  tool.send(request);
  const auto answer = system.receive(tool);
  REQUIRE(answer);
  REQUIRE(std::holds_alternative<T>(*answer));
  return std::get<T>(*answer);
}

// Refuses every delivery in turn, and gives the number of the message.
QueueId send_and_defer(System& system, ConnectionId connection) {
  ConnectionEnd client = system.connect(connection);
  const QueueId id = system.authorise(connection, 1, {3}).queue_id;
  client.send(whole(1));
  REQUIRE(system.reply(client).code == 250);
  const Deliver deliver = system.delivery();
  REQUIRE(deliver.id == DeliveryId{id, 1});
  system.answer(NotDelivered{deliver.id, DeliveryFailure::no_space, "No space left on device"});
  system.settle();
  return id;
}

}  // namespace

TEST_CASE("an authorised message is taken, delivered and forgotten") {
  System system;
  system.attach_deliverd();
  ConnectionEnd client = system.connect(17);
  const Authorised first = system.authorise(17, 1, {3, 4});
  REQUIRE(first.queue_id != 0);
  CHECK(system.authorise(17, 1, {4, 5}).queue_id == first.queue_id);
  client.send(whole(1));
  const Reply reply = system.reply(client);
  CHECK(reply.code == 250);
  CHECK(reply.text.find(queue::id_text(first.queue_id)) != std::string::npos);

  std::vector<AccountId> accounts;
  std::vector<DeliveryId> ids;
  for (int i = 0; i < 3; ++i) {
    const Deliver deliver = system.delivery();
    CHECK(deliver.content == kMessage);
    CHECK(deliver.top == "Return-Path: <sender@example.net>\r\nDelivered-To: user@example.edu\r\n");
    accounts.push_back(deliver.account);
    ids.push_back(deliver.id);
  }
  CHECK(accounts == std::vector<AccountId>{3, 4, 5});  // 4 was named twice and gets it once
  system.answer(Delivered{ids});
  system.settle();
  ToolEnd tool = system.attach_tool();
  CHECK(ask<QueueCount>(system, tool, CountQueue{}).messages == 0);
  system.restart();
  ToolEnd again = system.attach_tool();
  CHECK(ask<QueueCount>(system, again, CountQueue{}).messages == 0);
}

// ---- loops (SECURITY.md V16)

namespace {

const std::string kReturned = "Delivered-To: User@Example.edu\r\n" + kMessage;

// The second recipient of its message.
void authorise_other(System& system, ConnectionId connection, AccountId account) {
  system.policyd.send(AuthoriseRecipient{.connection = connection,
                                         .transaction = 1,
                                         .reverse_path = "sender@example.net",
                                         .mail = {},
                                         .submitter = {},
                                         .authors = {},
                                         .recipient = {"other@example.edu", {account}, {}}});
  REQUIRE(system.receive(system.policyd));
}

}  // namespace

TEST_CASE("a message comes back to nobody who has had it: refused, before it is stored") {
  System system;
  system.attach_deliverd();
  ConnectionEnd client = system.connect(17);
  system.authorise(17, 1, {3, 4});
  client.send(whole(1, kReturned));
  const Reply reply = system.reply(client);
  CHECK(reply.code == 554);
  CHECK(reply.enhanced == "5.4.6");
  system.authorise(17, 2, {3});
  client.send(whole(2, "Delivered-To: other@example.edu\r\n" + kMessage));
  CHECK(system.reply(client).code == 250);
  CHECK(system.delivery().id.recipient == 1);
}

TEST_CASE("whoever has had a message is left out, the others get it, and the sender hears of that") {
  const bool restarts = GENERATE(false, true);
  System system;
  ConnectionEnd client = system.connect(17);
  const QueueId id = system.authorise(17, 1, {3}).queue_id;
  authorise_other(system, 17, 4);
  client.send(whole(1, kReturned));
  CHECK(system.reply(client).code == 250);
  if (restarts) system.restart();
  system.attach_deliverd();
  system.attach_questions();
  const Deliver deliver = system.delivery();
  CHECK(deliver.id == DeliveryId{id, 2});
  CHECK(deliver.account == 4);
  system.answer(Delivered{{deliver.id}});
  const auto asked = system.receive(system.questions);
  REQUIRE(asked);
  CHECK(std::get<ResolveAddress>(*asked).address == "sender@example.net");
  system.questions.send(
      AddressResolved{std::get<ResolveAddress>(*asked).question, false, {"sender@example.net", {9}, {}, {}}});
  const Deliver report = system.delivery();
  CHECK(report.account == 9);
  CHECK(report.content.find("Status: 5.4.6") != std::string::npos);
  CHECK(report.content.find("Final-Recipient: rfc822; user@example.edu") != std::string::npos);
  CHECK(report.content.find("other@example.edu") == std::string::npos);
  system.answer(Delivered{{report.id}});
  system.settle();
  ToolEnd tool = system.attach_tool();
  CHECK(ask<QueueCount>(system, tool, CountQueue{}).messages == 0);
}

TEST_CASE("content without an authorised envelope is refused") {
  System system;
  ConnectionEnd client = system.connect(17), other = system.connect(18);
  const auto refused = [&](ConnectionEnd& end, TransactionId transaction) {
    end.send(whole(transaction));
    const Reply reply = system.reply(end);
    return reply.code == 550 && reply.enhanced == "5.7.1";
  };
  SECTION("none at all") { CHECK(refused(client, 1)); }
  SECTION("another connection's") {
    system.authorise(17, 1, {3});
    CHECK(refused(other, 1));
  }
  SECTION("of another transaction") {
    system.authorise(17, 1, {3});
    CHECK(refused(client, 2));
  }
  SECTION("withdrawn") {
    system.authorise(17, 1, {3});
    system.policyd.send(WithdrawEnvelope{17});
    system.settle();
    CHECK(refused(client, 1));
  }
  SECTION("replaced by a new transaction's") {
    system.authorise(17, 1, {3});
    system.authorise(17, 2, {3});
    CHECK(refused(client, 1));
  }
  SECTION("used already") {
    system.authorise(17, 1, {3});
    client.send(whole(1));
    CHECK(system.reply(client).code == 250);
    CHECK(refused(client, 1));
  }
  SECTION("abandoned") {
    system.authorise(17, 1, {3});
    client.send(Content{1, false, kMessage});
    client.send(AbandonContent{1});
    CHECK(refused(client, 1));
  }
}

TEST_CASE("an envelope is given only to a connection that is there, and only before its content") {
  System system;
  CHECK(system.authorise(99, 1, {3}).queue_id == 0);
  ConnectionEnd client = system.connect(17);
  CHECK(system.authorise(17, 1, {3}).queue_id != 0);
  client.send(Content{1, false, kMessage});
  system.settle();
  const Authorised late = system.authorise(17, 1, {4});
  CHECK(late.queue_id == 0);
  CHECK(late.refusal.code == 503);
  system.mx.send(ConnectionClosed{17});
  system.settle();
  CHECK(system.authorise(17, 2, {3}).queue_id == 0);
}

TEST_CASE("a submitted message names its author, who must be allowed") {
  System system;
  ConnectionEnd client = system.connect(17, Service::submission);
  const std::vector<std::string> authors{"alice@example.edu", "a.liddell@example.edu"};
  struct Case {
    const char* header;
    int code;
  };
  const auto [header, code] = GENERATE(
      Case{"From: alice@example.edu\r\n", 250}, Case{"From: Alice <ALICE@Example.EDU>\r\n", 250},
      Case{"From: alice+lists@example.edu\r\n", 250},
      Case{"Received: x\r\nFrom: a.liddell@example.edu\r\n", 250}, Case{"From: bob@example.edu\r\n", 550},
      Case{"From: alice@example.edu, bob@example.edu\r\n", 550},
      Case{"From: alice@example.edu\r\nFrom: bob@example.edu\r\n", 550}, Case{"Subject: none\r\n", 550},
      Case{"Subject: x\r\n\r\nFrom: alice@example.edu\r\n", 550},
      Case{"From: \"alice@example.edu\" <bob@example.edu>\r\n", 550},
      Case{"From : bob@example.edu\r\nfrom: alice@example.edu\r\n", 550});
  CAPTURE(header);
  REQUIRE(system.authorise(17, 1, {3}, authors).queue_id != 0);
  client.send(whole(1, std::string{header} + "\r\nText\r\n"));
  const Reply reply = system.reply(client);
  CHECK(reply.code == code);
  if (code == 550) CHECK(reply.enhanced == "5.7.1");
}

TEST_CASE("long content goes through a file and sealed memory, unchanged") {
  System system;
  system.attach_deliverd();
  ConnectionEnd client = system.connect(17);
  system.authorise(17, 1, {3});
  std::string all = kMessage;
  while (all.size() < 600'000) all += "line " + std::to_string(all.size()) + "\r\n";
  for (std::size_t at = 0; at < all.size(); at += kContentChunk) {
    const bool last = at + kContentChunk >= all.size();
    client.send(Content{1, last, all.substr(at, kContentChunk)}, {}, ConnectionEnd::Wait::no);
    system.settle();
  }
  CHECK(system.reply(client).code == 250);
  const Deliver deliver = system.delivery();
  REQUIRE(deliver.memfd_size == all.size());
  REQUIRE(system.descriptors.size() == 1);
  const int memfd = system.descriptors[0].get();
  CHECK((::fcntl(memfd, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_SHRINK)) == (F_SEAL_WRITE | F_SEAL_SHRINK));
  std::string got(all.size(), '\0');
  CHECK(::pread(memfd, got.data(), got.size(), 0) == static_cast<ssize_t>(got.size()));
  CHECK(got == all);
}

TEST_CASE("content beyond the limit is refused once, and the rest of it dropped") {
  System system;
  ConnectionEnd client = system.connect(17);
  system.authorise(17, 1, {3});
  for (int i = 0; i < 20; ++i) {
    client.send(Content{1, i == 19, std::string(kContentChunk, 'x')}, {}, ConnectionEnd::Wait::no);
    system.settle();
  }
  CHECK(system.reply(client).code == 552);
  system.authorise(17, 2, {3});
  client.send(whole(2));
  CHECK(system.reply(client).code == 250);
}

TEST_CASE("a full disk is answered 452 before anything is sent") {
  Config config = System::small_config();
  config.queued.min_free_space = UINT64_MAX;
  System system{config};
  ConnectionEnd client = system.connect(17);
  const Authorised answer = system.authorise(17, 1, {3});
  CHECK(answer.queue_id == 0);
  CHECK(answer.refusal.code == 452);
}

TEST_CASE("what does not decode ends its channel and no other") {
  System system;
  ConnectionEnd liar = system.connect(17), honest = system.connect(18);
  system.settle();
  REQUIRE(::send(liar.fd(), "\7rubbish", 8, 0) == 8);
  CHECK(system.run_until([&] {
    const auto got = liar.receive(ConnectionEnd::Wait::no);
    return !got && got.error() == ipc::ReceiveError::closed;
  }));
  system.authorise(18, 1, {3});
  honest.send(whole(1));
  CHECK(system.reply(honest).code == 250);
  CHECK(system.authorise(17, 1, {3}).queue_id == 0);
}

TEST_CASE("a listener that lies is cut off; its connections and the other listener's stay") {
  System system;
  ConnectionEnd client = system.connect(17);
  system.settle();
  auto [ours, theirs] = ipc::make_channel();
  SECTION("a connection of another service") {
    system.mx.send(ConnectionOpened{18, Service::submission, {}}, std::array{theirs.get()});
  }
  SECTION("a connection twice") {
    system.mx.send(ConnectionOpened{17, Service::mx, {}}, std::array{theirs.get()});
  }
  SECTION("a connection without its channel") { system.mx.send(ConnectionOpened{18, Service::mx, {}}); }
  CHECK(system.run_until([&] {
    const auto got = system.mx.receive(ListenerEnd::Wait::no);
    return !got && got.error() == ipc::ReceiveError::closed;
  }));
  system.authorise(17, 1, {3});
  client.send(whole(1));
  CHECK(system.reply(client).code == 250);
  ConnectionEnd other = system.connect(19, Service::submission);
  CHECK(system.authorise(19, 1, {3}).queue_id != 0);
}

TEST_CASE("what deliverd had not reported when it died is handed to the next one, under the same id") {
  System system;
  system.attach_deliverd();
  ConnectionEnd client = system.connect(17);
  system.authorise(17, 1, {3});
  client.send(whole(1));
  CHECK(system.reply(client).code == 250);
  const Deliver first = system.delivery();
  system.deliverd.close();
  system.settle();
  system.attach_deliverd();
  const Deliver second = system.delivery();
  CHECK(second.id == first.id);
  CHECK(second.content == first.content);
}

TEST_CASE("a queued that was ended goes on where it was") {
  System system;
  ConnectionEnd client = system.connect(17);
  const QueueId id = system.authorise(17, 1, {3, 4}).queue_id;
  client.send(whole(1));
  CHECK(system.reply(client).code == 250);
  system.restart();
  system.attach_deliverd();
  const Deliver one = system.delivery();
  CHECK(one.id == DeliveryId{id, 1});
  CHECK(one.content == kMessage);
  CHECK(system.delivery().id == DeliveryId{id, 2});
  system.answer(Delivered{{{id, 1}}});
  system.answer(NotDelivered{{id, 2}, DeliveryFailure::system_error, "why"});
  system.settle();
  system.restart();
  ToolEnd tool = system.attach_tool();
  const auto shown = ask<MessageShown>(system, tool, ShowMessage{id});
  CHECK(shown.targets[0].finished);
  CHECK_FALSE(shown.targets[1].finished);
  CHECK(shown.message.attempts == 1);
  CHECK(shown.message.problem == "4.2.0 system error: why");
}

TEST_CASE("answers of deliverd that make no sense change nothing") {
  System system;
  system.attach_deliverd();
  const QueueId id = send_and_defer(system, 17);
  system.answer(Delivered{{{id, 1}, {id, 0}, {id, 7}, {12345, 1}}});
  system.answer(NotDelivered{{12345, 1}, DeliveryFailure::no_space, ""});
  system.settle();
  ToolEnd tool = system.attach_tool();
  CHECK(ask<QueueCount>(system, tool, CountQueue{}).messages == 1);
}

TEST_CASE("a message that fails for its whole lifetime is held when nobody can be told, not lost") {
  Config config = System::small_config();
  config.queued.lifetime = std::chrono::milliseconds{0};
  System system{config};
  system.attach_deliverd();
  system.attach_questions();
  const QueueId id = send_and_defer(system, 17);
  system.answer_that_nobody_is_there();
  ToolEnd tool = system.attach_tool();
  const auto shown = ask<MessageShown>(system, tool, ShowMessage{id});
  CHECK(shown.message.state == MessageState::held);
  CHECK(shown.message.problem.find("No space left on device") != std::string::npos);
  CHECK(ask<QueueChanged>(system, tool, ReleaseMessage{id}).messages == 1);
  const Deliver again = system.delivery();
  CHECK(again.id == DeliveryId{id, 1});
  system.answer(Delivered{{again.id}});
  system.settle();
  CHECK(ask<QueueCount>(system, tool, CountQueue{}).messages == 0);
}

TEST_CASE("a connection that never reads its answers is cut off") {
  System system;
  ConnectionEnd client = system.connect(17);
  system.settle();
  TransactionId transaction = 0;
  CHECK(system.run_until([&] {
    for (int i = 0; i < 100; ++i)
      if (client.send(whole(++transaction, "x"), {}, ConnectionEnd::Wait::no) == ipc::SendResult::closed)
        return true;
    return false;
  }));
}

TEST_CASE("operators list, show, read, retry, hold, release and remove") {
  System system;
  system.attach_deliverd();
  const QueueId one = send_and_defer(system, 17), two = send_and_defer(system, 18);
  ToolEnd tool = system.attach_tool();

  const auto page = ask<QueuePage>(system, tool, ListQueue{});
  CHECK(page.last);
  REQUIRE(page.messages.size() == 2);
  CHECK(page.messages[0].id == one);
  CHECK(page.messages[0].sender == "sender@example.net");
  CHECK(page.messages[0].addresses == std::vector<std::string>{"user@example.edu"});
  CHECK(page.messages[0].problem == "4.2.2 no space: No space left on device");
  CHECK(page.messages[0].attempts == 1);
  CHECK(ask<QueuePage>(system, tool, ListQueue{one}).messages.size() == 1);

  tool.send(ReadMessage{one});
  CHECK(std::get<ContentPiece>(*system.receive(tool)).bytes == kMessage);
  CHECK(std::get<ContentPiece>(*system.receive(tool)).last);

  CHECK(ask<QueueChanged>(system, tool, HoldMessage{one}).messages == 1);
  CHECK(ask<QueueChanged>(system, tool, RetryMessage{0}).messages == 2);
  CHECK(system.delivery().id == DeliveryId{two, 1});
  CHECK(ask<QueueCount>(system, tool, CountQueue{}).held == 1);
  CHECK(ask<MessageShown>(system, tool, ShowMessage{one}).message.state == MessageState::held);
  CHECK(ask<MessageShown>(system, tool, ShowMessage{two}).message.state == MessageState::active);
  CHECK(ask<QueueChanged>(system, tool, ReleaseMessage{one}).messages == 1);
  CHECK(system.delivery().id == DeliveryId{one, 1});

  CHECK(ask<QueueChanged>(system, tool, RemoveMessage{one}).messages == 1);
  CHECK(ask<QueueCount>(system, tool, CountQueue{}).messages == 1);
  CHECK_FALSE(ask<ToolRefused>(system, tool, ShowMessage{one}).reason.empty());
  CHECK_FALSE(ask<ToolRefused>(system, tool, RetryMessage{one}).reason.empty());
}
