#include "daemons/mailroomd/spawn.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "daemons/daemon.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/jail.h"
#include "libcommon/sys/sanitized.h"

namespace mailroom {
namespace {

// Behind its walls a process can start neither what looks for its leaks, by tracing it, nor a symbolizer.
constexpr const char* kSanitizerOptions = kIsSanitized ? "ASAN_OPTIONS=detect_leaks=0:symbolize=0" : nullptr;

constexpr int kAside = 512;  // above every number that a program is started with

int move_aside(int fd) {
  if (fd < 0) return fd;
  const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, kAside);
  if (moved < 0) fatal_errno("F_DUPFD");
  return moved;
}

void put(int from, int to) {
  if (from < 0)
    ::close(to);
  else if (::dup2(from, to) != to)
    fatal_errno("dup2");  // without close-on-exec
}

[[noreturn]] void become_program(const SpawnRequest& request) {
  const int null = move_aside(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null < 0) fatal_errno("/dev/null");
  const int log = move_aside(request.log);
  std::vector<int> passed;
  for (const int fd : request.passed) passed.push_back(move_aside(fd));
  put(null, STDIN_FILENO);
  put(log, STDOUT_FILENO);
  put(log, STDERR_FILENO);
  int next = kControlFd;
  for (const int fd : passed) put(fd, next++);
  close_from(next);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<char*> arguments{const_cast<char*>(request.name.c_str())};
  for (const std::string& argument : request.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  char* const environment[] = {const_cast<char*>("LC_ALL=C"), const_cast<char*>("TZ=UTC"),
                               const_cast<char*>(kSanitizerOptions), nullptr};
  ::execve(request.program.c_str(), arguments.data(), environment);
  fatal_errno("cannot execute " + request.program);
}

}  // namespace

pid_t spawn(const SpawnRequest& request) {
  const pid_t pid = ::fork();
  if (pid == 0) become_program(request);
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  return pid;
}

}  // namespace mailroom
