#include "tests/unit/queued/system.h"

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>

namespace mailroom::queued::test {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::microseconds kStep{500};
// Turns of the loop without work for the disk: an answer to an answer to an answer needs fewer.
constexpr int kQuietTurns = 20;

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string path = (std::filesystem::temp_directory_path() / "queued-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = path;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::filesystem::current_path("/");
  std::filesystem::remove_all(path_);
}

Config System::small_config() {
  Config config;
  config.queued.min_free_space = 0;
  config.smtpd.max_message_size = 1024 * 1024;
  config.hostname = "mail.example.edu";
  config.routes = {{"far.test", routing::Protocol::smtp, "127.0.0.1", 2525, routing::TlsLevel::may, false}};
  return config;
}

System::System(Config config)
    : launch_{{}, {.config = std::move(config)}}, host_{loop_, launch_, launch_.config,
                                                        [](const std::string&) { return Fd{}; },
                                                        [](const ProcessToSupervisor&) {}} {
  static const Fd null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  log::set_up({.fd = null.get()});
  start();
}

System::~System() = default;

void System::start() {
  std::filesystem::current_path(directory_.path());
  server_ = std::make_unique<Server>(host_);
  server_->start();
  const auto attach = [&](const char* kind, const char* peer, auto& end) {
    auto [ours, theirs] = ipc::make_channel();
    end = std::remove_reference_t<decltype(end)>{std::move(ours)};
    server_->attach(kind, peer, std::move(theirs));
  };
  attach("mx-queued", "smtpd-mx", mx);
  attach("submission-queued", "smtpd-submission", submission);
  attach_policyd();
}

void System::reconfigure(const std::function<void(Config&)>& change) {
  change(launch_.config);
  server_->reconfigured();
}

void System::restart() {
  server_.reset();
  start();
}

void System::attach_policyd() {
  auto [ours, theirs] = ipc::make_channel();
  policyd = PolicydEnd{std::move(ours)};
  server_->attach("policyd-queued", "policyd", std::move(theirs));
}

void System::attach_questions() {
  auto [ours, theirs] = ipc::make_channel();
  questions = QuestionsEnd{std::move(ours)};
  server_->attach("queued-policyd", "policyd", std::move(theirs));
}

void System::answer_that_nobody_is_there() {
  for (;;) {
    settle();
    const auto asked = questions.receive(QuestionsEnd::Wait::no);
    if (!asked) return;
    if (const auto* question = std::get_if<ResolveAddress>(&asked->message))
      questions.send(AddressResolved{question->question, false, {}});
  }
}

void System::attach_deliverd() {
  auto [ours, theirs] = ipc::make_channel();
  deliverd = DeliverdEnd{std::move(ours)};
  server_->attach("queued-deliverd", "deliverd", std::move(theirs));
}

void System::attach_relayd() {
  auto [ours, theirs] = ipc::make_channel();
  relayd = RelaydEnd{std::move(ours)};
  server_->attach("queued-relayd", "relayd", std::move(theirs));
}

void System::attach_dnsd() {
  auto [ours, theirs] = ipc::make_channel();
  dnsd = DnsdEnd{std::move(ours)};
  server_->attach("queued-dnsd", "dnsd", std::move(theirs));
}

RelayEnd System::relay() {
  const auto asked = receive(relayd);
  if (!asked || descriptors.size() != 1) return {};
  relay_asked = std::get<OpenRelay>(*asked);
  RelayEnd process{std::move(descriptors.front())};
  descriptors.clear();
  const auto first = receive(process);
  if (!first || !std::holds_alternative<Connect>(*first)) return {};
  connect_asked = std::get<Connect>(*first);
  return process;
}

Send System::handed(RelayEnd& process) {
  const auto message = receive(process);
  return message && std::holds_alternative<Send>(*message) ? std::get<Send>(*message) : Send{};
}

Authorised System::authorise_remote(ConnectionId connection, std::uint32_t recipients,
                                    const std::string& domain, std::uint8_t notify) {
  Authorised last;
  for (std::uint32_t i = 1; i <= recipients; ++i) {
    policyd.send(AuthoriseRecipient{
        .connection = connection,
        .transaction = 1,
        .reverse_path = "sender@example.net",
        .mail = {},
        .submitter = "anna",
        .authors = {},
        .recipient = {"user" + std::to_string(i) + "@" + domain, {}, domain, {notify, ""}}});
    const auto answer = receive(policyd);
    if (!answer) return {};
    last = std::get<Authorised>(*answer);
  }
  return last;
}

QueueId System::send_remote(ConnectionId connection, std::uint32_t recipients, const std::string& domain) {
  ConnectionEnd client = connect(connection, Service::submission);
  const QueueId id = authorise_remote(connection, recipients, domain).queue_id;
  client.send(Content{1, true, "Subject: out\r\n\r\nBody\r\n"});
  return reply(client).code == 250 ? id : 0;
}

ToolEnd System::attach_tool() {
  auto [ours, theirs] = ipc::make_channel();
  server_->add_tool(std::move(theirs));
  return ToolEnd{std::move(ours)};
}

ConnectionEnd System::connect(ConnectionId id, Service service) {
  auto [ours, theirs] = ipc::make_channel();
  (service == Service::mx ? mx : submission)
      .send(ConnectionOpened{id, service, {}}, std::array{theirs.get()});
  return ConnectionEnd{std::move(ours)};
}

bool System::ends(std::chrono::milliseconds patience) {
  bool in_time = true;
  event::Timer timer{loop_, [&] {
                       in_time = false;
                       loop_.stop();
                     }};
  timer.start(patience);
  loop_.run();
  return in_time;
}

bool System::run_until(const std::function<bool()>& condition) {
  bool held = false;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  std::optional<event::Timer> timer;
  timer.emplace(loop_, [&] {
    held = condition();
    if (held || std::chrono::steady_clock::now() > end) return loop_.stop();
    timer->start(kStep);
  });
  timer->start(std::chrono::microseconds{0});
  loop_.run();
  return held;
}

void System::settle() {
  int quiet = 0;
  run_until([&] {
    quiet = server_->is_writing() ? 0 : quiet + 1;
    return quiet > kQuietTurns;
  });
}

Authorised System::authorise(ConnectionId connection, TransactionId transaction,
                             std::vector<AccountId> accounts, std::vector<std::string> authors) {
  policyd.send(AuthoriseRecipient{.connection = connection,
                                  .transaction = transaction,
                                  .reverse_path = "sender@example.net",
                                  .mail = {},
                                  .submitter = {},
                                  .authors = std::move(authors),
                                  .recipient = {"user@example.edu", std::move(accounts), {}}});
  const auto answer = receive(policyd);
  return answer ? std::get<Authorised>(*answer) : Authorised{};
}

Reply System::reply(ConnectionEnd& connection) {
  const auto message = receive(connection);
  return message ? std::get<ContentReply>(*message).reply : Reply{};
}

Deliver System::delivery() {
  const auto message = receive(deliverd);
  return message ? std::get<Deliver>(*message) : Deliver{};
}

}  // namespace mailroom::queued::test
