// Who is told what, and what is in the queue afterwards.
#include "daemons/queued/report_desk.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <thread>

#include <fcntl.h>

#include "libcommon/event/loop.h"
#include "spool/queue/directory_storage.h"
#include "spool/queue/recovery.h"
#include "tests/unit/queued/system.h"

using namespace mailroom;
using namespace mailroom::queued;

namespace {

const std::string kMessage = "From: anna@campus.example\r\nSubject: Lunch\r\n\r\nShall we?\r\n";

class Desk {
 public:
  Desk() {
    config.hostname = "mail.campus.example";
    config.domains = {"campus.example"};
    queue.emplace(storage, log_worker, content_worker, queue::Options{.min_free_space = 0},
                  std::move(*queue::recover(storage)), 1'000);
    desk.emplace(
        loop, *queue, config,
        [this](const std::string& address, PolicyQuestions::OnAddress then) { resolve(address, then); },
        [this](const ReportRefused& refusal, const PolicyQuestions::OnRefusal& then) { hear(refusal, then); },
        [this](const spf::Identity& identity, const SenderChecks::Then& then) { check(identity, then); },
        [](QueueId, const queue::Envelope&, const queue::SharedContent&) {});
  }

  // Runs until all that was asked of the disk is answered.
  void settle() {
    for (int i = 0; i < 2000 && !queue->settled(); ++i) {
      log_worker.dispatch();
      content_worker.dispatch();
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    REQUIRE(queue->settled());
  }

  ReportedMessage accept(queue::Envelope envelope, const std::string& content = kMessage) {
    auto incoming = queue->begin(queue->new_id());
    const QueueId id = incoming->id();
    incoming->add(std::string{content});
    queue->accept(std::move(incoming), envelope, 1'000'000,
                  [](queue::Outcome, const queue::SharedContent&) {});
    settle();
    return {id, std::move(envelope), 1'000'000, 2'000'000, content.size()};
  }

  Reports::Done note() {
    return [this](ReportResult result) { results.push_back(result); };
  }

  // The messages in the queue beside those that were accepted by the test.
  struct Found {
    queue::Envelope envelope;
    std::string content;
  };
  std::vector<Found> reports(const std::vector<QueueId>& others) {
    settle();
    std::vector<Found> out;
    for (const auto& [id, entry] : queue->index().entries()) {
      if (std::ranges::find(others, id) != others.end()) continue;
      Found found{queue->read_message(id)->envelope, ""};
      REQUIRE(queue->read_content(id, [&](std::string_view bytes) { found.content += bytes; }));
      out.push_back(std::move(found));
    }
    return out;
  }

  void resolve(const std::string& address, const PolicyQuestions::OnAddress& then) {
    asked.push_back(address);
    if (slow) return waiting.push_back([this, address, then] { answer(address, then); });
    answer(address, then);
  }
  void answer(const std::string& address, const PolicyQuestions::OnAddress& then) {
    if (away) return then(nullptr);
    AddressResolved answer;
    answer.recipient.address = address;
    if (const auto found = accounts.find(address); found != accounts.end())
      answer.recipient.accounts = {found->second};
    if (address.ends_with("@far.example")) answer.recipient.domain = "far.example";
    then(&answer);
  }

  void hear(const ReportRefused& refusal, const PolicyQuestions::OnRefusal& then) {
    told.push_back(refusal);
    const RefusalNoted noted{0, !may_note};
    then(away ? nullptr : &noted);
  }

  void check(const spf::Identity& identity, const SenderChecks::Then& then) {
    checked.push_back(identity);
    if (spf_says) return then({*spf_says, "-all", identity.domain});
    unanswered = then;
  }

  queued::test::TemporaryDirectory directory;
  Config config;
  mailroom::event::Loop loop;
  queue::DirectoryStorage storage{Fd{::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}};
  std::optional<queue::Queue> queue;
  queue::ThreadWorker log_worker, content_worker;
  std::optional<ReportDesk> desk;
  std::map<std::string, AccountId> accounts{{"anna@campus.example", 1}, {"postmaster@campus.example", 2}};
  bool away = false, may_note = true;  // of policyd
  bool slow = false;                   // it answers when `waiting` is called
  std::vector<std::function<void()>> waiting;
  std::vector<std::string> asked;
  std::vector<ReportRefused> told;
  std::optional<spf::Result> spf_says = spf::Result::fail;  // nothing: not yet
  std::vector<spf::Identity> checked;
  SenderChecks::Then unanswered;
  std::vector<ReportResult> results;
};

queue::Envelope envelope(const std::string& sender = "anna@campus.example", std::uint8_t notify = 0) {
  queue::Envelope out;
  out.connection = 77;
  out.submitter = "anna";
  out.reverse_path = sender;
  out.recipients = {{"nobody@far.example", "", notify, "far.example"}};
  out.targets = {{0, 0}};
  return out;
}

ReportedTarget target() {
  return {.number = 1,
          .reply = {550, "5.1.1", "No such user"},
          .host = "mx.far.example",
          .address = "192.0.2.1",
          .failure = RelayFailure::none,
          .stage = RelayStage::rcpt,
          .attempted = 1'500'000};
}

constexpr auto kSettled = ReportResult::settled;
constexpr auto kImpossible = ReportResult::impossible;

bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("a failure is told to the sender, with the words of the far side and the message") {
  Desk d;
  const auto message = d.accept(envelope());
  d.desk->failed(message, {target()}, d.note());
  const auto reports = d.reports({message.id});
  REQUIRE(reports.size() == 1);
  CHECK(d.results == std::vector{kSettled});
  const queue::Envelope& sent = reports[0].envelope;
  CHECK(sent.connection == 0);
  CHECK(sent.reverse_path.empty());
  CHECK(sent.submitter.empty());
  CHECK(sent.recipients.at(0).address == "anna@campus.example");
  CHECK(sent.targets == std::vector<queue::Target>{{0, 1}});
  CHECK(has(reports[0].content, "\r\nDiagnostic-Code: smtp; 550 5.1.1 No such user\r\n"));
  CHECK(has(reports[0].content, "\r\nShall we?\r\n"));
  CHECK(has(reports[0].content, "\r\nTo: <anna@campus.example>\r\n"));
}

TEST_CASE("nothing is done before the report is durable") {
  Desk d;
  const auto message = d.accept(envelope());
  d.desk->failed(message, {target()}, d.note());
  CHECK(d.results.empty());
  d.settle();
  CHECK(d.results == std::vector{kSettled});
}

TEST_CASE("NOTIFY decides") {
  struct Row {
    Notify notify;
    unsigned failed, delayed, delivered;
  };
  for (const Row row :
       {Row{Notify::unset, 1, 1, 0}, Row{Notify::never, 0, 0, 0}, Row{Notify::success, 0, 0, 1},
        Row{Notify::failure, 1, 0, 0}, Row{Notify::delay, 0, 1, 0}}) {
    Desk d;
    const auto message = d.accept(envelope("anna@campus.example", static_cast<std::uint8_t>(row.notify)));
    d.desk->failed(message, {target()}, d.note());
    CHECK(d.reports({message.id}).size() == row.failed);
    d.desk->delayed(message, {target()}, d.note());
    CHECK(d.reports({message.id}).size() == row.failed + row.delayed);
    d.desk->delivered(message, {target()}, d.note());
    d.desk->relayed(message, {target()}, d.note());
    CHECK(d.reports({message.id}).size() == row.failed + row.delayed + 2 * row.delivered);
    CHECK(d.results == std::vector(4, kSettled));
  }
}

TEST_CASE("a sender elsewhere gets a report that goes anywhere") {
  Desk d;
  const auto message = d.accept(envelope("eve@far.example"), kMessage + "\xc3\xa4\r\n");
  d.desk->expired(message, {target()}, d.note());
  const auto reports = d.reports({message.id});
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].envelope.recipients.at(0).domain == "far.example");
  CHECK(reports[0].envelope.targets == std::vector<queue::Target>{{0, 0}});
  CHECK(has(reports[0].content, "text/rfc822-headers"));
  CHECK(has(reports[0].content, "tried again and again"));
}

TEST_CASE("strangers get the header only, and no warning of delays") {
  Desk d;
  auto from_mx = envelope("eve@far.example");
  from_mx.submitter.clear();
  const auto message = d.accept(from_mx);
  d.desk->delayed(message, {target()}, d.note());
  CHECK(d.reports({message.id}).empty());
  d.desk->failed(message, {target()}, d.note());
  const auto reports = d.reports({message.id});
  REQUIRE(reports.size() == 1);
  CHECK(has(reports[0].content, "Subject: Lunch"));
  CHECK_FALSE(has(reports[0].content, "Shall we?"));
}

// ---- who may send as its reverse-path (RFC 7208)

namespace {

queue::Envelope of_stranger(const std::string& sender = "Eve@far.example",
                            std::uint8_t notify = static_cast<std::uint8_t>(Notify::unset)) {
  queue::Envelope out = envelope(sender, notify);
  out.submitter.clear();
  out.stranger = {*parse_ip_and_port("192.0.2.7:4711"), "helo.far.example"};
  return out;
}

constexpr auto kSuccess = static_cast<std::uint8_t>(Notify::success);

}  // namespace

TEST_CASE("a stranger that may not send as its reverse-path has no report sent there") {
  Desk d;
  const auto message = d.accept(of_stranger());
  d.desk->failed(message, {target()}, d.note());
  const auto reports = d.reports({message.id});
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].envelope.recipients.at(0).address == "postmaster@campus.example");
  CHECK_FALSE(has(reports[0].content, "Shall we?"));
  CHECK(d.results == std::vector{kSettled});
  REQUIRE(d.checked.size() == 1);
  CHECK(d.checked[0].client.text() == "192.0.2.7");
  CHECK(d.checked[0].helo == "helo.far.example");
  CHECK(d.checked[0].local == "eve");
  CHECK(d.checked[0].domain == "far.example");
}

TEST_CASE("nor one that it was given up, nor one of success") {
  Desk d;
  const auto message = d.accept(of_stranger("eve@far.example", kSuccess));
  d.desk->delivered(message, {target()}, d.note());
  d.desk->relayed(message, {target()}, d.note());
  CHECK(d.reports({message.id}).empty());
  CHECK(d.checked.size() == 2);
  CHECK(d.results == std::vector(2, kSettled));

  const auto late = d.accept(of_stranger());
  d.desk->expired(late, {target()}, d.note());
  const auto reports = d.reports({message.id, late.id});
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].envelope.recipients.at(0).address == "postmaster@campus.example");
}

TEST_CASE("nor a warning to who has the address here, if that is whose it says it is") {
  Desk d;
  const auto message = d.accept(of_stranger("anna@campus.example"));
  d.desk->delayed(message, {target()}, d.note());
  CHECK(d.reports({message.id}).empty());
  REQUIRE(d.checked.size() == 1);
  CHECK(d.checked[0].domain == "campus.example");
  CHECK(d.results == std::vector{kSettled});
}

TEST_CASE("only fail keeps a report back") {
  using spf::Result;
  for (const Result result : {Result::none, Result::neutral, Result::pass, Result::softfail,
                              Result::temperror, Result::permerror}) {
    CAPTURE(spf::result_name(result));
    Desk d;
    d.spf_says = result;
    const auto message = d.accept(of_stranger());
    d.desk->failed(message, {target()}, d.note());
    const auto reports = d.reports({message.id});
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].envelope.recipients.at(0).address == "Eve@far.example");
  }
}

TEST_CASE("SPF is not asked about what queued.spf-exempt has brought") {
  Desk d;
  d.config.queued.spf_exempt = {*parse_ip_network("2001:db8::/32"), *parse_ip_network("192.0.2.0/29")};
  const auto message = d.accept(of_stranger());
  d.desk->failed(message, {target()}, d.note());
  const auto reports = d.reports({message.id});
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].envelope.recipients.at(0).address == "Eve@far.example");
  CHECK(d.checked.empty());

  d.config.queued.spf_exempt = {*parse_ip_network("192.0.2.8/29")};
  d.desk->failed(d.accept(of_stranger()), {target()}, d.note());
  d.settle();
  CHECK(d.checked.size() == 1);
}

TEST_CASE("a report waits for the DNS") {
  Desk d;
  d.spf_says.reset();
  const auto message = d.accept(of_stranger());
  d.desk->failed(message, {target()}, d.note());
  CHECK(d.reports({message.id}).empty());
  CHECK(d.results.empty());
  d.unanswered({spf::Result::pass, "ip4:192.0.2.7", "far.example"});
  CHECK(d.reports({message.id}).size() == 1);
  CHECK(d.results == std::vector{kSettled});
}

TEST_CASE("a stop waits for reports that are about to be in the queue, and for no other") {
  Desk d;
  CHECK(d.desk->is_quiet());
  d.slow = true;
  const auto known = d.accept(envelope());
  d.desk->failed(known, {target()}, d.note());
  CHECK_FALSE(d.desk->is_quiet());  // policyd answers at once, and so does the disk
  std::exchange(d.waiting, {}).at(0)();
  CHECK_FALSE(d.desk->is_quiet());
  d.settle();
  CHECK(d.desk->is_quiet());

  d.slow = false;
  SECTION("the DNS, which may take long") {
    d.spf_says.reset();
    d.desk->failed(d.accept(of_stranger()), {target()}, d.note());
    CHECK(d.desk->is_quiet());
    d.unanswered({spf::Result::pass, "all", "far.example"});
    CHECK_FALSE(d.desk->is_quiet());
  }
  SECTION("policyd, which is away") {
    d.away = true;
    d.desk->failed(d.accept(envelope()), {target()}, d.note());
    CHECK(d.desk->is_quiet());
  }
  d.settle();
}

TEST_CASE(
    "a report that cannot be made is given up after some time; one of success for as long as its message "
    "has") {
  Desk d;
  d.away = true;
  auto message = d.accept(envelope("anna@campus.example", kSuccess));
  enum class Kind : std::uint8_t { failed, relayed, relayed_late };
  const auto kind = GENERATE(Kind::failed, Kind::relayed, Kind::relayed_late);
  if (kind == Kind::relayed) message.expires = UINT64_MAX;
  if (kind == Kind::failed) {
    message.envelope.recipients[0].notify = 0;
    d.desk->failed(message, {target()}, d.note());
  } else {
    d.desk->relayed(message, {target()}, d.note());
  }
  const auto begun = d.asked.size();
  for (int i = 0; i < 1'000 && d.results.empty(); ++i) d.desk->retry();
  CHECK(d.asked.size() - begun > 500);  // an hour
  CHECK(d.results == std::vector{kind == Kind::relayed_late ? kSettled : kImpossible});
}

TEST_CASE("with queued.double-bounce drop nobody hears of what is kept back") {
  Desk d;
  d.config.queued.double_bounce = DoubleBounce::drop;
  const auto message = d.accept(of_stranger());
  d.desk->failed(message, {target()}, d.note());
  CHECK(d.reports({message.id}).empty());
  CHECK(d.results == std::vector{kSettled});
}

TEST_CASE("SPF is asked about strangers only, and only where a report would go") {
  Desk d;
  const auto known = d.accept(envelope("eve@far.example"));
  d.desk->failed(known, {target()}, d.note());
  CHECK(d.reports({known.id}).size() == 1);
  const auto nobody = d.accept(of_stranger("gone@campus.example"));
  d.desk->failed(nobody, {target()}, d.note());
  const auto null = d.accept(of_stranger(""));
  d.desk->failed(null, {target()}, d.note());
  const auto delayed = d.accept(of_stranger());
  d.desk->delayed(delayed, {target()}, d.note());
  const auto unwanted = d.accept(of_stranger("eve@far.example", static_cast<std::uint8_t>(Notify::never)));
  d.desk->failed(unwanted, {target()}, d.note());
  d.settle();
  CHECK(d.checked.empty());
}

TEST_CASE("RET, size and REQUIRETLS keep the body back") {
  for (const int way : {0, 1, 2}) {
    Desk d;
    auto wish = envelope("eve@far.example");
    if (way == 0) wish.ret = static_cast<std::uint8_t>(ReturnContent::headers);
    if (way == 1) d.config.queued.report_full_size = 10;
    if (way == 2) wish.tls = routing::SenderTls::required;
    const auto message = d.accept(wish);
    d.desk->failed(message, {target()}, d.note());
    const auto reports = d.reports({message.id});
    REQUIRE(reports.size() == 1);
    CHECK_FALSE(has(reports[0].content, "Shall we?"));
    CHECK((reports[0].envelope.tls == routing::SenderTls::required) == (way == 2));
  }
}

TEST_CASE("a report is no reason for a report: it goes to the postmaster, once") {
  Desk d;
  const auto message = d.accept(envelope());
  d.desk->failed(message, {target()}, d.note());
  auto reports = d.reports({message.id});
  REQUIRE(reports.size() == 1);

  const auto report = d.accept(reports[0].envelope, reports[0].content);
  const auto own = d.queue->index().entries().begin();
  std::vector<QueueId> known;
  for (const auto& [id, entry] : d.queue->index().entries()) known.push_back(id);
  CHECK(own != d.queue->index().entries().end());
  d.desk->delayed(report, {target()}, d.note());
  d.desk->failed(report, {target()}, d.note());
  auto double_bounces = d.reports(known);
  REQUIRE(double_bounces.size() == 1);
  CHECK(double_bounces[0].envelope.recipients.at(0).address == "postmaster@campus.example");
  CHECK(double_bounces[0].envelope.reverse_path.empty());

  const auto last = d.accept(double_bounces[0].envelope, double_bounces[0].content);
  known.clear();
  for (const auto& [id, entry] : d.queue->index().entries()) known.push_back(id);
  d.results.clear();
  d.desk->failed(last, {target()}, d.note());
  CHECK(d.reports(known).empty());
  CHECK(d.results == std::vector{kImpossible});  // held for an operator
}

TEST_CASE("what has no sender, or one that nobody has, goes to the postmaster") {
  for (const std::string sender : {"", "gone@campus.example"}) {
    Desk d;
    const auto message = d.accept(envelope(sender));
    d.desk->failed(message, {target()}, d.note());
    const auto reports = d.reports({message.id});
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].envelope.recipients.at(0).address == "postmaster@campus.example");
    d.desk->delivered(message, {target()}, d.note());
    CHECK(d.reports({message.id}).size() == 1);
  }
}

TEST_CASE("an answer by a program is not answered, whatever its sender") {
  Desk d;
  const auto message = d.accept(envelope(), "Auto-Submitted: auto-replied\r\n\r\n");
  d.desk->failed(message, {target()}, d.note());
  CHECK(d.asked == std::vector<std::string>{"postmaster@campus.example"});
}

TEST_CASE("queued.double-bounce drop") {
  Desk d;
  d.config.queued.double_bounce = DoubleBounce::drop;
  const auto message = d.accept(envelope(""));
  d.desk->failed(message, {target()}, d.note());
  CHECK(d.reports({message.id}).empty());
  CHECK(d.results == std::vector{kSettled});
}

TEST_CASE("without a postmaster a message without sender is held") {
  Desk d;
  d.accounts.clear();
  const auto message = d.accept(envelope(""));
  d.desk->failed(message, {target()}, d.note());
  CHECK(d.reports({message.id}).empty());
  CHECK(d.results == std::vector{kImpossible});
}

TEST_CASE("while policyd is away a report waits") {
  Desk d;
  d.away = true;
  const auto message = d.accept(envelope());
  d.desk->failed(message, {target()}, d.note());
  d.settle();
  CHECK(d.results.empty());
  CHECK(d.reports({message.id}).empty());
}

TEST_CASE("accounts of one recipient are one recipient of the report") {
  Desk d;
  auto two = envelope();
  two.recipients = {{"list@campus.example", "", 0, ""}};
  two.targets = {{0, 5}, {0, 6}};
  const auto message = d.accept(two);
  auto second = target();
  second.number = 2;
  d.desk->failed(message, {target(), second}, d.note());
  const auto reports = d.reports({message.id});
  REQUIRE(reports.size() == 1);
  const std::string& text = reports[0].content;
  CHECK(text.find("Final-Recipient") == text.rfind("Final-Recipient"));
}

TEST_CASE(
    "what reports keep in memory while they wait has a limit, and what is beyond comes back all the same") {
  Desk d;
  constexpr std::size_t kLength = 1024 * 1024;
  constexpr std::size_t kReports = ReportDesk::kMaxKeptOctets / kLength + 4;
  d.config.queued.report_full_size = kLength;
  d.slow = true;
  std::vector<QueueId> messages;
  for (std::size_t i = 0; i < kReports; ++i) {
    const std::string mark = "Line " + std::to_string(i) + "\r\n";
    std::string content = kMessage;
    while (content.size() + mark.size() <= kLength) content += mark;
    const auto message = d.accept(envelope(), content);
    messages.push_back(message.id);
    d.desk->failed(message, {target()}, d.note());
  }
  CHECK(d.desk->kept_octets() <= ReportDesk::kMaxKeptOctets);
  CHECK(d.desk->kept_octets() > ReportDesk::kMaxKeptOctets - 2 * kLength);
  REQUIRE(d.waiting.size() == kReports);
  SECTION("policyd is slow") {
    for (const auto& go_on : std::exchange(d.waiting, {})) {
      go_on();
      d.settle();
    }
    const auto reports = d.reports(messages);
    REQUIRE(reports.size() == kReports);
    for (std::size_t i = 0; i < kReports; ++i)
      CHECK(has(reports[i].content, "\r\nShall we?\r\nLine " + std::to_string(i) + "\r\n"));
  }
  SECTION("policyd is away: they wait for long") {
    d.away = true;
    for (const auto& go_on : std::exchange(d.waiting, {})) go_on();
  }
  CHECK(d.desk->kept_octets() == 0);
}

// ---- devices (REQUIREMENTS C8)

namespace {

queue::Envelope of_device(const std::string& sender) {
  queue::Envelope out = envelope(sender);
  out.submitter = out.device = "scanner1";
  return out;
}

// The one report that a message of the device has led to, refused in its turn.
ReportedMessage report_of(Desk& d, const ReportedMessage& message) {
  const auto reports = d.reports({message.id});
  REQUIRE(reports.size() == 1);
  return d.accept(reports[0].envelope, reports[0].content);
}

}  // namespace

TEST_CASE("policyd hears of a report to a device that was refused, before anything else is done about it") {
  Desk d;
  const auto message = d.accept(of_device("scans@far.example"));
  d.desk->failed(message, {target()}, d.note());
  const auto report = report_of(d, message);
  CHECK(report.envelope.device == "scanner1");
  CHECK(report.envelope.submitter.empty());
  CHECK(d.told.empty());
  CHECK(d.asked == std::vector<std::string>{"scans@far.example"});

  d.desk->failed(report, {target()}, d.note());
  REQUIRE(d.told.size() == 1);
  CHECK(d.told[0].device == "scanner1");
  CHECK(d.told[0].address == "scans@far.example");
  CHECK(d.told[0].at == policy::RefusedAt::recipient);
  CHECK(d.told[0].reply == Reply{550, "5.1.1", "No such user"});
  CHECK(d.told[0].queue_id == message.id);
  CHECK(d.asked.back() == "postmaster@campus.example");
  for (const auto& found : d.reports({message.id}))  // the double bounce is no report to the device
    CHECK(found.envelope.device.empty() == (found.envelope.recipients[0].address != "scans@far.example"));
}

TEST_CASE("while policyd has not noted a refusal, the report stays as it is") {
  for (const bool away : {true, false}) {
    Desk d;
    const auto message = d.accept(of_device("scans@far.example"));
    d.desk->failed(message, {target()}, d.note());
    const auto report = report_of(d, message);
    d.results.clear();
    d.away = away;
    d.may_note = false;
    d.desk->failed(report, {target()}, d.note());
    d.settle();
    CHECK(d.told.size() == 1);
    CHECK(d.results.empty());
    CHECK(d.asked == std::vector<std::string>{"scans@far.example"});
  }
}

TEST_CASE("a device whose sender nobody is cannot be told, and policyd is") {
  Desk d;
  const auto message = d.accept(of_device("gone@campus.example"));
  d.desk->failed(message, {target()}, d.note());
  REQUIRE(d.told.size() == 1);
  CHECK(d.told[0].address == "gone@campus.example");
  CHECK(d.told[0].at == policy::RefusedAt::here);
  CHECK(d.told[0].reply.enhanced == "5.1.1");
  CHECK(d.told[0].queue_id == message.id);
  CHECK(d.reports({message.id}).size() == 1);  // the postmaster's
  CHECK(d.results == std::vector{kSettled});
}

TEST_CASE("policyd does not hear of what says nothing for good about a device's sender") {
  Desk d;
  const auto message = d.accept(of_device("scans@far.example"));
  SECTION("a report that was given up") {
    d.desk->failed(message, {target()}, d.note());
    d.desk->expired(report_of(d, message), {target()}, d.note());
  }
  SECTION("a warning of a delay") {
    d.desk->delayed(message, {target()}, d.note());
    const auto report = report_of(d, message);
    CHECK(report.envelope.device.empty());
    d.desk->failed(report, {target()}, d.note());
  }
  SECTION("a report that some of those whom the address stands for got") {
    d.desk->failed(message, {target()}, d.note());
    auto report = report_of(d, message);
    report.envelope.targets = {{0, 5}, {0, 6}};
    d.desk->failed(report, {target()}, d.note());
  }
  SECTION("a report to a person") {
    const auto of_person = d.accept(envelope("eve@far.example"));
    d.desk->failed(of_person, {target()}, d.note());
    const auto others = d.reports({message.id, of_person.id});
    REQUIRE(others.size() == 1);
    d.desk->failed(d.accept(others[0].envelope, others[0].content), {target()}, d.note());
  }
  CHECK(d.told.empty());
}

TEST_CASE("who refused a report, and when") {
  struct Row {
    std::string host;
    std::uint16_t code;
    RelayStage stage;
    policy::RefusedAt at;
  };
  for (const Row& row : {Row{"", 550, RelayStage::connect, policy::RefusedAt::here},
                         Row{"mx.far.example", 0, RelayStage::rcpt, policy::RefusedAt::here},
                         Row{"mx.far.example", 550, RelayStage::connect, policy::RefusedAt::session},
                         Row{"mx.far.example", 550, RelayStage::mail, policy::RefusedAt::session},
                         Row{"mx.far.example", 550, RelayStage::rcpt, policy::RefusedAt::recipient},
                         Row{"mx.far.example", 550, RelayStage::data, policy::RefusedAt::content},
                         Row{"mx.far.example", 550, RelayStage::final_dot, policy::RefusedAt::content}}) {
    Desk d;
    queue::Envelope report = of_device("");
    report.connection = 0;
    report.recipients = {{"scans@far.example", "", 0, "far.example"}};
    const auto message = d.accept(report);
    auto refused = target();
    refused.host = row.host;
    refused.reply.code = row.code;
    refused.stage = row.stage;
    d.desk->failed(message, {refused}, d.note());
    REQUIRE(d.told.size() == 1);
    CHECK(d.told[0].at == row.at);
  }
}
