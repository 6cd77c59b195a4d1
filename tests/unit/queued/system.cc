#include "tests/unit/queued/system.h"

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>

namespace mailroom::queued::test {
namespace {

constexpr std::chrono::seconds kPatience{2};
constexpr std::chrono::microseconds kStep{500};

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
  return config;
}

System::System(Config config)
    : launch_{.config = std::move(config)}, host_{loop_, launch_, launch_.config,
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

void System::restart() {
  server_.reset();
  start();
}

void System::attach_policyd() {
  auto [ours, theirs] = ipc::make_channel();
  policyd = PolicydEnd{std::move(ours)};
  server_->attach("policyd-queued", "policyd", std::move(theirs));
}

void System::attach_deliverd() {
  auto [ours, theirs] = ipc::make_channel();
  deliverd = DeliverdEnd{std::move(ours)};
  server_->attach("queued-deliverd", "deliverd", std::move(theirs));
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
  int rounds = 0;
  run_until([&] { return ++rounds > 20; });
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
