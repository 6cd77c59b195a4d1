// A taken-over supervisor: has mailroomd start programs of the table with launch blocks, descriptors and
// reloads that would give them other uids, another root directory or another account's files, and asks for
// what is none of its business.  tests/breach/42-hostile-supervisor.t puts it in the place of the real one.
//
// It prints a line "NAME: OUTCOME" for each attempt: "uid=N gid=N capabilities=HEX seccomp=N root=PATH" of a
// process that said that it is ready, or "ends".
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "daemons/daemon.h"
#include "daemons/mailroomd/configuration.h"
#include "daemons/mailroomd/options.h"
#include "daemons/mailroomd/sealed_memfd.h"
#include "daemons/supervisor/spawner_client.h"
#include "libcommon/ipc/codec.h"

namespace {

using namespace mailroom;
using Control = ipc::MessageChannel<SupervisorToProcess, ProcessToSupervisor>;

constexpr std::chrono::seconds kPatience{30};

// An honest block, to be changed.
using Change = std::function<void(LaunchBlock&)>;

struct Process {
  pid_t pid;
  Control control;
};

class Twin {
 public:
  Twin(Config config, Fd channel)
      : config_{std::move(config)}, raw_{Fd{::fcntl(channel.get(), F_DUPFD_CLOEXEC, 0)}},
        spawner_{std::move(channel)}, trap_{config_.directories.run + "/trap"} {
    std::filesystem::create_directories(trap_);
    ::chmod(trap_.c_str(), 0777);
  }

  void try_all();

 private:
  // Starts it, and reports what it is.
  void attempt(const std::string& name, Role role, const Change& change);
  Process start(Role role, const Change& change);
  Process start_with(Role role, std::string_view block);
  void honest_processes();
  void other_uids();
  void other_directories();
  void descriptors_of_mailroomd();
  void reload_with_other_uids();
  void directories_of_nobody();
  void rubbish();
  void strangers();
  void ready_twice();

  static bool is_ready(Process& process) {
    const auto said =
        process.control.receive(Control::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
    return said && std::holds_alternative<Ready>(said->message);
  }
  static bool has_ended(Process& process) {
    const auto said =
        process.control.receive(Control::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
    return !said && said.error() == ipc::ReceiveError::closed;
  }

  const Config config_;
  ipc::MessageChannel<SupervisorToSpawner, SpawnerToSupervisor>
      raw_;  // the same channel: what the client never says
  SpawnerClient spawner_;
  const std::string trap_;
  std::vector<int> passed_;
};

void report(const std::string& name, const std::string& outcome) {
  std::fprintf(stderr, "%s: %s\n", name.c_str(), outcome.c_str());
}

std::string facts_of(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  std::ifstream status{directory + "/status"};
  std::string facts;
  for (std::string line; std::getline(status, line);) {
    std::istringstream words{line};
    std::string key, value;
    words >> key >> value;
    if (key == "Uid:") facts += "uid=" + value;
    if (key == "Gid:") facts += " gid=" + value;
    if (key == "CapPrm:") facts += " capabilities=" + value;
    if (key == "Seccomp:") facts += " seccomp=" + value;
  }
  return facts + " root=" + std::filesystem::read_symlink(directory + "/root").string();
}

Process Twin::start_with(Role role, std::string_view block) {
  const Fd launch = sealed_memfd(block);
  auto started = spawner_.start(role, STDERR_FILENO, launch.get(), passed_);
  return {started.pid, Control{std::move(started.control)}};
}

Process Twin::start(Role role, const Change& change) {
  LaunchBlock block{1, config_, {}, {}};
  change(block);
  return start_with(role, ipc::encode(block));
}

void Twin::attempt(const std::string& name, Role role, const Change& change) {
  Process process = start(role, change);
  if (!is_ready(process)) return report(name, "ends");
  report(name, facts_of(process.pid));
  spawner_.end(process.pid);
  has_ended(process);
}

constexpr Role kSome[] = {Role::logd, Role::policyd, Role::authd,    Role::deliverd, Role::queued, Role::dnsd,
                          Role::stsd, Role::relayd,  Role::smtpd_mx, Role::pop3d,    Role::imapd};

void Twin::honest_processes() {
  for (const Role role : kSome)
    attempt("honest " + std::string{process_row(role).name}, role, [](LaunchBlock&) {});
}

void Twin::other_uids() {
  attempt("queued as root", Role::queued,
          [](LaunchBlock& block) { block.config.uids.daemons = 0U - uid_number(Role::queued); });
  attempt("queued as policyd", Role::queued, [](LaunchBlock& block) {
    block.config.uids.daemons += uid_number(Role::policyd) - uid_number(Role::queued);
  });
  attempt("deliverd for other accounts", Role::deliverd,
          [](LaunchBlock& block) { block.config.uids.accounts = 0; });
  attempt("imapd for more accounts", Role::imapd,
          [](LaunchBlock& block) { block.config.uids.accounts_count += 1; });
  attempt("smtpd-mx with daemons' uids", Role::smtpd_mx,
          [](LaunchBlock& block) { block.config.uids.login = block.config.uids.daemons; });
}

// By the names of descriptors, and by paths.
void Twin::other_directories() {
  const Fd trap{::open(trap_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  std::vector<Role> roles{Role::queued, Role::deliverd, Role::imapd};
  passed_ = {trap.get(), trap.get(), trap.get()};
  if (config_.kerberos.enabled()) roles.push_back(Role::krbd);
  const Fd keytab{::open(config_.kerberos.keytab_file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (keytab) passed_.push_back(keytab.get());
  for (const Role role : roles)
    attempt(std::string{process_row(role).name} + " elsewhere", role, [&](LaunchBlock& block) {
      block.descriptors = {{"root", kFirstPassedFd},
                           {"directory", kFirstPassedFd + 1},
                           {"spool-mail", kFirstPassedFd + 2},
                           {"keytab", kFirstPassedFd + 3}};
      for (std::string* const directory :
           {&block.config.directories.spool, &block.config.directories.state, &block.config.directories.run})
        *directory = trap_;
    });
  passed_.clear();
}

// So that a listener would close its root directory, and have something else at that number.
void Twin::descriptors_of_mailroomd() {
  attempt("imapd with its root directory as a socket", Role::imapd, [](LaunchBlock& block) {
    block.descriptors = {{"listen 0", kRootFd}};
  });
}

void Twin::reload_with_other_uids() {
  Process deliverd = start(Role::deliverd, [](LaunchBlock&) {});
  report("deliverd before a reload", is_ready(deliverd) ? "is ready" : "ends");
  Config other = config_;
  other.uids.accounts += 1;
  const Fd block = sealed_memfd(ipc::encode(other));
  const int raw = block.get();
  deliverd.control.send(Reconfigure{}, {&raw, 1});
  report("deliverd after a reload with other uids", has_ended(deliverd) ? "ends" : "goes on");
}

void Twin::directories_of_nobody() {
  const auto answer = spawner_.make({{0, config_.uids.accounts_count, ~AccountId{0}}});
  spawner_.remove({0});
  report("directories of nobody",
         answer.made.empty() && answer.failed.size() == 3 ? "are not made" : "are made");
}

void Twin::rubbish() {
  Process process = start_with(Role::queued, "rubbish");
  report("queued with rubbish", is_ready(process) ? "is ready" : "ends");
}

// Processes that mailroomd has not started for it.
void Twin::strangers() {
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    ::pause();
    ::_exit(0);
  }
  spawner_.end(stranger);
  spawner_.end_connections(stranger, Whose::all);
  spawner_.end(::getppid());
  attempt("honest queued after that", Role::queued, [](LaunchBlock&) {});
  report("a stranger", ::waitpid(stranger, nullptr, WNOHANG) == 0 ? "lives" : "ends");
  ::kill(stranger, SIGKILL);
}

// So that mailroomd would say it on, and close, what it has at that number since the first time.
void Twin::ready_twice() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return report("ready twice", "no pipe");
  const Fd read_end{ends[0]}, write_end{ends[1]};
  raw_.send(Announce{Notice::ready});
  const std::vector<int> many(ipc::kMaxDescriptors,
                              write_end.get());  // more than there are free numbers below
  raw_.send(PassDescriptors{true}, many);
  raw_.send(Announce{Notice::ready});
  spawner_.make({{0}});  // answered after that
  char octet;
  report("ready twice", ::read(read_end.get(), &octet, 1) > 0 ? "is said to another" : "is said once");
}

void Twin::try_all() {
  honest_processes();
  other_uids();
  other_directories();
  descriptors_of_mailroomd();
  reload_with_other_uids();
  rubbish();
  directories_of_nobody();
  strangers();
  ready_twice();
  report("the trap", std::filesystem::is_empty(trap_) ? "is empty" : "is not empty");
  report("a second supervisor", "is asked for");
  start_with(Role::supervisor, "");  // mailroomd ends, and everything with it
  report("a second supervisor", "runs");
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (!options) return 2;
  auto config = load_configuration(options->config_file);
  if (!config) return 1;
  for (const int ignored : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::signal(ignored, SIG_IGN);
  Twin{std::move(*config), Fd{kControlFd}}.try_all();
  return 0;
}
