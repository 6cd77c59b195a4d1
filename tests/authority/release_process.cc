#include "tests/authority/release_process.h"

#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <utility>

namespace mailroom::test {

ReleaseProcess::ReleaseProcess(SpawnRequest request) {
  request.log = log_.writing_end().get();
  pid_ = spawn(request);
  log_.writing_end().reset();
}

ReleaseProcess::~ReleaseProcess() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool ReleaseProcess::lives() const { return !status(); }

// Left to be waited for, so that its number is nobody else's.
std::optional<int> ReleaseProcess::status() const {
  siginfo_t ended{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0)
    return std::nullopt;
  return ended.si_code == CLD_EXITED ? W_EXITCODE(ended.si_status, 0) : W_EXITCODE(0, ended.si_status);
}

std::size_t ReleaseProcess::descriptors() const {
  const std::filesystem::directory_iterator open{"/proc/" + std::to_string(pid_) + "/fd"};
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

}  // namespace mailroom::test
