// Reports of success that a sender is owed: none is lost to a crash, and none comes twice for it.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "daemons/queued/dispatcher.h"
#include "spool/queue/directory_storage.h"
#include "spool/queue/recovery.h"
#include "tests/unit/queued/relaying.h"

using namespace mailroom;
using namespace mailroom::queued;
using namespace mailroom::queued::test;

namespace {

constexpr auto kAsked = static_cast<std::uint8_t>(Notify::success);
constexpr AccountId kSender = 3;

// What relayd was given, in whichever way.
std::string handed_content(const Send& send, const std::vector<Fd>& descriptors) {
  if (send.memfd_size == 0) return send.content;
  std::string got(send.memfd_size, '\0');
  REQUIRE(descriptors.size() == 1);
  REQUIRE(::pread(descriptors[0].get(), got.data(), got.size(), 0) == static_cast<ssize_t>(got.size()));
  return got;
}

// Contents that this process, which is queued here, has in files of memory.
std::size_t memory_files() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code gone;  // the iterator's own
    count += std::filesystem::read_symlink(entry, gone).string().starts_with("/memfd:content");
  }
  return count;
}

std::string user(std::size_t number) { return "user" + std::to_string(number) + "@far.test"; }

struct Owing : Relaying {
  Owing() : Relaying{patient()} { attach_questions(); }

  // For recipients elsewhere, who all ask; and for so many accounts here, who ask too.
  QueueId send(std::uint32_t remote, std::uint32_t local = 0,
               const std::string& content = "Subject: out\r\n\r\nBody\r\n") {
    ConnectionEnd client = connect(17, Service::submission);
    QueueId id = remote == 0 ? 0 : authorise_remote(17, remote, "far.test", kAsked).queue_id;
    for (std::uint32_t i = 0; i < local; ++i) {
      policyd.send(AuthoriseRecipient{.connection = 17,
                                      .transaction = 1,
                                      .reverse_path = "sender@example.net",
                                      .mail = {},
                                      .submitter = "anna",
                                      .authors = {},
                                      .recipient = {"here@example.edu", {40 + i}, {}, {kAsked, ""}}});
      id = std::get<Authorised>(*receive(policyd)).queue_id;
    }
    for (std::size_t at = 0; at < content.size(); at += kContentChunk) {
      client.send(Content{1, at + kContentChunk >= content.size(), content.substr(at, kContentChunk)});
      settle();
    }
    REQUIRE(reply(client).code == 250);
    return id;
  }
  ResolveAddress question() {
    const auto asked = receive(questions);
    REQUIRE(asked);
    return std::get<ResolveAddress>(*asked);
  }
  void answer(const ResolveAddress& asked) {
    questions.send(AddressResolved{asked.question, false, {asked.address, {kSender}, {}, {}}});
  }
  void start_again() {
    settle();
    restart();
    attach_questions();
    attach_deliverd();
    attach_relayd();
  }
  // The report that is delivered next.
  std::string report() {
    const Deliver delivered = delivery();
    CHECK(delivered.account == kSender);
    System::answer(Delivered{{delivered.id}});
    return delivered.content;
  }
  bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }
};

}  // namespace

TEST_CASE("a host has the message, and queued dies before the sender is told: told after the next start") {
  Owing system;
  const QueueId id = system.send(1);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kTaken);
  system.question();
  const std::string waits = system.show(id).message.problem;
  CHECK(system.says(waits, "report of success"));
  const int starts = GENERATE(1, 3);
  for (int i = 0; i < starts; ++i) system.start_again();
  CHECK(system.asks_for_no_relay());
  system.answer(system.question());
  const std::string report = system.report();
  CHECK(system.says(report, "Action: relayed"));
  CHECK(system.says(report, "Final-Recipient: rfc822; user1@far.test"));
  CHECK(system.says(report, "Remote-MTA: dns; mx.far.test"));
  system.settle();
  CHECK(system.queued_messages() == 0);
  system.start_again();
  CHECK(system.is_silent(system.questions));
}

TEST_CASE("a message is in a mailbox, and queued dies before the sender is told: told after the next start") {
  Owing system;
  system.attach_deliverd();
  const QueueId id = system.send(0, 2);
  system.delivery();
  system.delivery();
  system.System::answer(Delivered{{{id, 1}, {id, 2}}});
  system.question();
  system.start_again();
  system.answer(system.question());
  const std::string report = system.report();  // and no delivery of the message again
  CHECK(system.says(report, "Action: delivered"));
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE(
    "a message whose sender is being told takes no memory for its content, and goes on with all of it") {
  const std::size_t size = GENERATE(100, 2 * kInlineContent);
  Owing system;
  system.attach_deliverd();
  std::string content = "Subject: out\r\n\r\n";
  while (content.size() < size) content += "line " + std::to_string(content.size()) + "\r\n";
  const QueueId id = system.send(1, 1, content);
  RelayEnd process = system.connected();
  const Send first = system.handed(process);
  CHECK(handed_content(first, system.descriptors) == content);
  Relaying::answer_all(process, first, kLater);
  system.System::answer(Delivered{{system.delivery().id}});
  const ResolveAddress asked = system.question();
  system.descriptors.clear();
  CHECK(memory_files() == 0);
  system.retry(id);
  const Send second = system.handed(process);
  CHECK(handed_content(second, system.descriptors) == content);
  Relaying::answer_all(process, second, kTaken);
  system.answer(asked);
}

TEST_CASE("a report that is in the queue when queued dies is not made again") {
  Owing system;
  system.send(1);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kTaken);
  system.answer(system.question());
  system.start_again();
  CHECK(system.says(system.report(), "Action: relayed"));
  CHECK(system.is_silent(system.questions));
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("what has arrived is reported after a crash though others of the message still wait") {
  Owing system;
  system.attach_deliverd();
  const QueueId id = system.send(2, 1);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  system.delivery();
  system.System::answer(Delivered{{{id, 3}}});
  system.settle();  // nobody is told before the other visit has ended
  REQUIRE(system.is_silent(system.questions));
  SECTION("with the other host") {
    system.start_again();
    system.answer(system.question());
    CHECK(system.says(system.report(), "Action: delivered"));
    RelayEnd again = system.connected();
    CHECK(system.handed(again).recipients.size() == 2);
  }
  SECTION("until later") {
    process.send(Sent{id, {{.number = 1, .reply = kTaken}, {.number = 2, .reply = kLater}}, true});
    system.question();
    system.question();
    system.start_again();
    system.answer(system.question());
    system.answer(system.question());
    const std::string both = system.report() + system.report();
    CHECK(system.says(both, "Action: delivered"));
    CHECK(system.says(both, "Action: relayed"));
    CHECK_FALSE(system.says(both, "user2@far.test"));
    CHECK(system.asks_for_no_relay());
    CHECK(system.queued_messages() == 1);
  }
}

TEST_CASE("of a message in several transactions what the first has brought is reported after a crash") {
  Owing system;
  system.send(kMaxOutboundRecipients + 1);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kTaken);
  CHECK(system.handed(process).recipients.size() == 1);  // under way when queued dies
  system.start_again();
  system.answer(system.question());
  const std::string report = system.report();
  CHECK(system.says(report, "Final-Recipient: rfc822; user1@far.test"));
  CHECK(system.says(report, user(kMaxOutboundRecipients)));
  CHECK_FALSE(system.says(report, user(kMaxOutboundRecipients + 1)));
  RelayEnd again = system.connected();
  const Send rest = system.handed(again);
  REQUIRE(rest.recipients.size() == 1);
  Relaying::answer_all(again, rest, kTaken);
  system.answer(system.question());
  CHECK(system.says(system.report(), user(kMaxOutboundRecipients + 1)));
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("when nobody is to be told, nothing is owed any more") {
  Owing system;
  system.send(1);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kTaken);
  system.question();
  system.start_again();
  const ResolveAddress asked = system.question();
  system.questions.send(AddressResolved{asked.question, false, {}});
  system.settle();
  CHECK(system.queued_messages() == 0);
  system.start_again();
  CHECK(system.is_silent(system.questions));
}

// ---- the dispatcher alone, with reports that the test answers

namespace {

class Told final : public Reports {
 public:
  struct Call {
    dsn::Action action{};
    QueueId id = 0;
    std::vector<std::uint32_t> targets;
    Done done;
  };
  bool has_room() const override { return room; }
  bool is_quiet() const override { return calls.empty(); }
  void failed(const ReportedMessage&, Targets, Done) override { FAIL("nothing has failed"); }
  void expired(const ReportedMessage& message, Targets targets, Done done) override {
    call(dsn::Action::failed, message, targets, std::move(done));
  }
  void delayed(const ReportedMessage&, Targets, Done) override { FAIL("nothing is late"); }
  void delivered(const ReportedMessage& message, Targets targets, Done done) override {
    call(dsn::Action::delivered, message, targets, std::move(done));
  }
  void relayed(const ReportedMessage& message, Targets targets, Done done) override {
    call(dsn::Action::relayed, message, targets, std::move(done));
  }
  void call(dsn::Action action, const ReportedMessage& message, const Targets& targets, Done done) {
    calls.push_back({action, message.id, finished(targets).finished, std::move(done)});
  }

  bool room = true;
  std::vector<Call> calls;
};

// A queue with messages to two accounts each, of which both are served and owed, or to a third one too.
class AfterCrash {
 public:
  enum class Left : bool { nothing, one_target };
  explicit AfterCrash(std::size_t messages, Left left = Left::nothing) : left_{left} {
    config.queued.min_free_space = 0;
    config.queued.lifetime = {};
    open();
    for (std::size_t i = 0; i < messages; ++i) accept();
    settle();
    for (const QueueId id : ids)
      queue->record(id, queue::Owed{{{queue::Success::delivered, {.target = 1}},
                                     {queue::Success::relayed, {.target = 2}}}});
    settle();
    start();
  }

  void start() {
    dispatcher.reset();
    told.calls.clear();
    open();
    holds.emplace(std::move(*queue::DestinationHolds::read(storage)));
    dispatcher.emplace(loop, *queue, config, routes, told, *holds);
    dispatcher->tick();
  }
  void settle() {
    for (int i = 0; i < 5000 && !queue->settled(); ++i) {
      log_worker.dispatch();
      content_worker.dispatch();
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    REQUIRE(queue->settled());
  }
  // deliverd is there, and has no space for what it is to deliver next.
  void defer_one() {
    auto [ours, theirs] = ipc::make_channel();
    deliverd = DeliverdEnd{std::move(ours)};
    dispatcher->attach_deliverd(std::move(theirs));
    const auto asked = deliverd.receive(DeliverdEnd::Wait::yes, 1);
    REQUIRE(asked);
    deliverd.send(NotDelivered{std::get<Deliver>(asked->message).id, DeliveryFailure::no_space, ""});
    event::Timer over{loop, [this] { loop.stop(); }};
    while (dispatcher->schedule().is_active(ids.front())) {
      over.start(std::chrono::milliseconds{1});
      loop.run();
    }
    settle();
  }
  // Answers all that has been called; how much that was.
  std::size_t answer_all(ReportResult result) {
    auto calls = std::exchange(told.calls, {});
    for (auto& call : calls) call.done(result);
    settle();
    return calls.size();
  }

  queued::test::TemporaryDirectory directory;
  Config config;
  event::Loop loop;
  DnsClient dns{loop, std::chrono::seconds{1}};
  PolicyQuestions policy{loop};
  RouteDesk routes{loop, dns, policy};
  queue::DirectoryStorage storage{Fd{::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}};
  std::optional<queue::Queue> queue;
  queue::ThreadWorker log_worker, content_worker;
  std::optional<queue::DestinationHolds> holds;
  Told told;
  std::optional<Dispatcher> dispatcher;
  std::vector<QueueId> ids;
  DeliverdEnd deliverd;

 private:
  void open() {
    queue.reset();
    queue.emplace(storage, log_worker, content_worker, queue::Options{.min_free_space = 0},
                  std::move(*queue::recover(storage)), 1'000);
  }
  void accept() {
    auto incoming = queue->begin(queue->new_id());
    ids.push_back(incoming->id());
    incoming->add("Subject: x\r\n\r\n");
    queue::Envelope envelope{
        .connection = 7,
        .reverse_path = "a@example.edu",
        .recipients = {{"one@example.edu", "", kAsked, ""}, {"two@example.edu", "", kAsked, ""}},
        .targets = {{0, 1}, {1, 2}}};
    if (left_ == Left::one_target) envelope.targets.push_back({1, 3});
    queue->accept(std::move(incoming), envelope, 1'000'000,
                  [](queue::Outcome, const queue::SharedContent&) {});
  }

  Left left_;
};

}  // namespace

TEST_CASE("what is owed is told when there is room, some at a time, and its messages end then") {
  constexpr std::size_t kMessages = 120;
  AfterCrash crash{kMessages};
  CHECK(crash.told.calls.size() <= 52);
  CHECK(crash.told.calls.size() >= 2);
  crash.told.room = false;
  std::size_t told = crash.answer_all(ReportResult::settled);
  crash.dispatcher->tick();
  CHECK(crash.told.calls.empty());
  crash.told.room = true;
  for (int turn = 0; turn < 20 && told < 2 * kMessages; ++turn) {
    crash.dispatcher->tick();
    told += crash.answer_all(ReportResult::settled);
  }
  CHECK(told == 2 * kMessages);
  CHECK(crash.queue->index().owed().empty());
}

TEST_CASE("a report of success that cannot be made holds no message, and is tried again at each sweep") {
  AfterCrash crash{1, GENERATE(AfterCrash::Left::nothing, AfterCrash::Left::one_target)};
  const QueueId id = crash.ids.front();
  REQUIRE(crash.answer_all(ReportResult::impossible) == 2);
  crash.dispatcher->tick();
  CHECK(crash.told.calls.empty());
  REQUIRE(crash.queue->index().find(id) != nullptr);
  CHECK_FALSE(crash.queue->index().find(id)->held);
  CHECK(crash.queue->index().owed(id).size() == 2);
  if (GENERATE(false, true))
    crash.start();  // which tells by itself
  else
    crash.dispatcher->sweep();
  REQUIRE(crash.answer_all(ReportResult::impossible) == 2);
  crash.dispatcher->tick();
  CHECK(crash.told.calls.empty());
  crash.dispatcher->sweep();
  CHECK(crash.answer_all(ReportResult::settled) == 2);
  CHECK(crash.queue->index().owed().empty());
  crash.dispatcher->sweep();
  CHECK(crash.told.calls.empty());
}

TEST_CASE("what one report says is not said again when the other cannot be made") {
  AfterCrash crash{1};
  auto calls = std::exchange(crash.told.calls, {});
  REQUIRE(calls.size() == 2);
  calls[0].done(ReportResult::impossible);
  calls[1].done(ReportResult::settled);
  crash.dispatcher->sweep();
  REQUIRE(crash.told.calls.size() == 1);
  CHECK(crash.told.calls[0].action == calls[0].action);
  CHECK(crash.answer_all(ReportResult::settled) == 1);
  CHECK(crash.queue->index().find(crash.ids.front()) == nullptr);
}

TEST_CASE("a message that is held ends when nothing is left of it and its sender has been told") {
  const auto left = GENERATE(AfterCrash::Left::nothing, AfterCrash::Left::one_target);
  AfterCrash crash{1, left};
  const QueueId id = crash.ids.front();
  REQUIRE(crash.dispatcher->hold(id, {}));
  crash.settle();
  if (GENERATE(false, true)) crash.start();
  CHECK(crash.answer_all(ReportResult::settled) == 2);
  const queue::Entry* entry = crash.queue->index().find(id);
  CHECK((entry == nullptr) == (left == AfterCrash::Left::nothing));
  if (entry != nullptr) CHECK(entry->held);
}

TEST_CASE("a message whose time is over while its sender is told of others ends when both are told, once") {
  AfterCrash crash{1, AfterCrash::Left::one_target};
  crash.told.room = false;
  crash.start();
  crash.defer_one();
  REQUIRE(crash.told.calls.empty());
  crash.told.room = true;
  crash.dispatcher->tick();
  REQUIRE(crash.told.calls.size() == 3);
  auto calls = std::exchange(crash.told.calls, {});
  REQUIRE(calls[0].action == dsn::Action::failed);
  CHECK(calls[0].targets == std::vector<std::uint32_t>{3});
  const auto last = GENERATE(ReportResult::settled, ReportResult::impossible);
  if (GENERATE(false, true)) std::swap(calls[0], calls[1]);  // the order of the answers
  calls[0].done(ReportResult::settled);
  crash.dispatcher->tick();
  CHECK(crash.told.calls.empty());
  calls[1].done(ReportResult::settled);
  crash.dispatcher->tick();
  CHECK(crash.told.calls.empty());
  calls[2].done(last);
  crash.settle();
  crash.dispatcher->tick();
  CHECK(crash.told.calls.empty());
  if (last == ReportResult::impossible) {
    crash.dispatcher->sweep();
    REQUIRE(crash.told.calls.size() == 1);
    CHECK(crash.told.calls[0].action == calls[2].action);
    CHECK(crash.answer_all(ReportResult::settled) == 1);
  }
  crash.dispatcher->tick();
  CHECK(crash.told.calls.empty());
  CHECK(crash.queue->index().find(crash.ids.front()) == nullptr);
}

TEST_CASE("an operator who removes a message whose sender is owed a report has removed that too") {
  AfterCrash crash{1};
  const QueueId id = crash.ids.front();
  REQUIRE(crash.told.calls.size() == 2);
  REQUIRE(crash.dispatcher->remove(id, {}));
  crash.settle();
  crash.answer_all(ReportResult::impossible);  // too late to hold anything
  CHECK(crash.queue->index().find(id) == nullptr);
  crash.start();
  CHECK(crash.told.calls.empty());
}
