#include "tests/authority/receiver.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "daemons/daemon.h"
#include "daemons/mailroomd/sealed_memfd.h"
#include "daemons/mailroomd/spawn.h"
#include "daemons/mailroomd/warrants.h"
#include "libcommon/ipc/codec.h"

namespace mailroom::test {
namespace {

constexpr std::size_t kKeptWords = 2000;  // octets
constexpr int kLogRoom = 1 << 20;         // octets that may wait in its pipe

// What the supervisor opens for it.
struct Passed {
  std::vector<PassedDescriptor> names;
  std::vector<Fd> files;

  void add(std::string name, const std::string& path) {
    files.emplace_back(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!files.back()) throw std::system_error(errno, std::generic_category(), path);
    names.push_back({std::move(name), kFirstPassedFd + static_cast<int>(names.size())});
  }
};

Passed passed_to(Role role, const Config& config) {
  Passed passed;
  if (role == Role::keyd)
    for (std::size_t i = 0; i < config.certificates.size(); ++i)
      passed.add("key " + std::to_string(i), config.certificates[i].key_file);
  if (role == Role::krbd) passed.add("keytab", config.kerberos.keytab_file);
  return passed;
}

}  // namespace

Receiver::Receiver(Role role, const Config& config) : config_{config}, role_{role} {
  const ProcessRow& row = process_row(role);
  const Warrants warrants{config, false};
  const Passed passed = passed_to(role, config);
  const Fd block = sealed_memfd(ipc::encode(LaunchBlock{1, config, passed.names, {}}));
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  log_ = Fd{pipe[0]};
  const Fd log_end{pipe[1]};
  ::fcntl(log_.get(), F_SETPIPE_SZ, kLogRoom);
  auto [ours, theirs] = ipc::make_channel();
  SpawnRequest request{.program = config.directories.libexec + "/" + std::string{row.program},
                       .name = std::string{row.name},
                       .log = log_end.get(),
                       .passed = warrants.first_descriptors(role, theirs.get(), block.get())};
  for (const Fd& file : passed.files) request.passed.push_back(file.get());
  pid_ = spawn(request);
  theirs.reset();
  control_ = decltype(control_){std::move(ours)};
  const auto said =
      control_.receive(decltype(control_)::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
  hear();
  if (!said || !std::holds_alternative<Ready>(said->message))
    throw std::runtime_error(std::string{row.name} + " does not become ready: " + last_words_);
}

Receiver::~Receiver() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Fd Receiver::attach(const std::string& row) {
  auto [ours, theirs] = ipc::make_channel();
  const int raw = theirs.get();
  if (control_.send(AttachChannel{row, "twin#" + std::to_string(++attached_)}, {&raw, 1}) !=
      ipc::SendResult::sent)
    throw std::runtime_error("the receiver does not hear its supervisor");
  return std::move(ours);
}

bool Receiver::lives() const {
  siginfo_t ended{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0;
}

std::size_t Receiver::descriptors() const {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/" + std::to_string(pid_) + "/fd"})
    count += !entry.path().empty();
  return count;
}

void Receiver::hear() {
  while (control_.receive(decltype(control_)::Wait::no, 0)) {
  }
  char octets[65536];
  for (ssize_t got; (got = ::read(log_.get(), octets, sizeof octets)) > 0;) {
    unfinished_line_.append(octets, static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end; (end = unfinished_line_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string line = unfinished_line_.substr(begin, end + 1 - begin);
      const std::string_view event =
          std::string_view{line}.substr(std::min(line.find("] ") + 2, line.size()));
      complaints_ += event.starts_with("peer-misbehaved ") || event.starts_with("channel-closed ");
      last_words_ += line;
    }
    unfinished_line_.erase(0, begin);
    if (last_words_.size() > kKeptWords) last_words_.erase(0, last_words_.size() - kKeptWords);
  }
}

}  // namespace mailroom::test
