#include "daemons/listener/children.h"

#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "libcommon/sys/fatal.h"

namespace mailroom {

Fd child_signals() {
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  Fd signals{::signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signals) fatal_errno("signalfd");
  return signals;
}

void reap_children(int signals, const std::function<void(pid_t, int status)>& on_ended) {
  signalfd_siginfo ignored;  // there is at most one SIGCHLD, however many have ended
  [[maybe_unused]] const ssize_t size = ::read(signals, &ignored, sizeof ignored);
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG))
    on_ended(pid, status);
}

std::string exit_words(int status) {
  if (WIFSIGNALED(status)) return std::string{"signal "} + ::sigabbrev_np(WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "end" : "exit " + std::to_string(WEXITSTATUS(status));
}

bool ended_abnormally(int status) {
  if (WIFSIGNALED(status)) return WTERMSIG(status) != SIGALRM;  // its own limit of time
  return WIFEXITED(status) && WEXITSTATUS(status) == kFatalExit;
}

}  // namespace mailroom
