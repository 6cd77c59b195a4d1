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
#include "tests/authority/raw_channel.h"

namespace mailroom::test {
namespace {

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
  auto [ours, theirs] = ipc::make_channel();
  SpawnRequest request{.program = config.directories.libexec + "/" + std::string{row.program},
                       .name = std::string{row.name},
                       .log = log_.writing_end().get(),
                       .passed = warrants.first_descriptors(role, theirs.get(), block.get())};
  for (const Fd& file : passed.files) request.passed.push_back(file.get());
  pid_ = spawn(request);
  theirs.reset();
  log_.writing_end().reset();
  control_ = decltype(control_){std::move(ours)};
  const auto said =
      control_.receive(decltype(control_)::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
  hear();
  if (!said || !std::holds_alternative<Ready>(said->message))
    throw std::runtime_error(std::string{row.name} + " does not become ready: " + log_.last_words());
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

bool Receiver::has_heard() const { return is_heard(control_.fd()); }

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
  log_.hear();
}

}  // namespace mailroom::test
