// Runs a program of which one write is cut short: the kernel takes half of what it is given, as it may at any
// time, and says so.
//
//   short_writes CALL NUMBER LOG PROGRAM ARGUMENT...     CALL is write, writev, pwrite64 or pwritev
//
// The NUMBER-th such call of each thread of the program, and of what it forks, is the one, if it is to a
// regular file.  LOG gets a line "CALL(INJECTED)" for each.  As with strace -D the program stays the process
// that was started, and its tracer is another.
#include <elf.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

namespace {

struct Call {
  std::string_view name;
  unsigned long number;
  bool is_vector;
};
constexpr Call kCalls[] = {{"write", SYS_write, false},
                           {"writev", SYS_writev, true},
                           {"pwrite64", SYS_pwrite64, false},
                           {"pwritev", SYS_pwritev, true}};

constexpr int kSyscallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

bool is_regular(pid_t thread, unsigned long fd) {
  struct stat status {};
  const std::string path = "/proc/" + std::to_string(thread) + "/fd/" + std::to_string(fd);
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

class Tracer {
 public:
  Tracer(const Call& call, unsigned long number, const char* log)
      : call_{call}, number_{number}, log_{open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)} {}

  void run() {
    int status = 0;
    for (pid_t thread; (thread = waitpid(-1, &status, __WALL)) > 0;)
      if (WIFSTOPPED(status)) stopped(thread, WSTOPSIG(status), status >> 16);
  }

 private:
  void stopped(pid_t thread, int signal, int event) {
    if (signal == kSyscallStop) {
      at_call(thread);
      signal = 0;
    } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
      ptrace(PTRACE_LISTEN, thread, 0, 0);
      return;
    } else if (event != 0) {
      signal = 0;
    }
    ptrace(PTRACE_SYSCALL, thread, 0, signal);
  }

  void at_call(pid_t thread) {
    __ptrace_syscall_info info{};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) return restore(thread);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != call_.number) return;
    if (++counts_[thread] == number_ && is_regular(thread, info.entry.args[0])) cut(thread);
  }

  // The third argument is octets, or vectors.  Of one vector the memory says how long it is.
  void cut(pid_t thread) {
    user_regs_struct registers{};
    iovec all{&registers, sizeof registers};
    if (ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &all) != 0) return;
    if (call_.is_vector && registers.rdx == 1) {
      halve_length(thread, registers.rsi + offsetof(iovec, iov_len));
    } else {
      registers.rdx = std::max(registers.rdx / 2, 1ULL);
      ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &all);
    }
    dprintf(log_, "%.*s(INJECTED)\n", static_cast<int>(call_.name.size()), call_.name.data());
  }

  void halve_length(pid_t thread, unsigned long at) {
    const long length = ptrace(PTRACE_PEEKDATA, thread, at, 0);
    ptrace(PTRACE_POKEDATA, thread, at, std::max(length / 2, 1L));
    halved_[thread] = {at, length};
  }

  // The program's memory is as it was: a kernel that takes less does not change it.
  void restore(pid_t thread) {
    if (const auto halved = halved_.extract(thread))
      ptrace(PTRACE_POKEDATA, thread, halved.mapped().at, halved.mapped().length);
  }

  struct Halved {
    unsigned long at;
    long length;
  };

  const Call& call_;
  unsigned long number_;
  int log_;
  std::map<pid_t, unsigned long> counts_;
  std::map<pid_t, Halved> halved_;  // while the call is under way
};

// In a process that is nobody's child, so that the program has no more children than without it.
void trace(pid_t program, int ready, Tracer& tracer) {
  if (fork() != 0) _exit(0);
  constexpr long kOptions =
      PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
  if (ptrace(PTRACE_SEIZE, program, 0, kOptions) != 0 || ptrace(PTRACE_INTERRUPT, program, 0, 0) != 0)
    _exit(1);
  close(ready);
  tracer.run();
  _exit(0);
}

}  // namespace

int main(int count, char** arguments) {
  const auto* call =
      count < 5 ? std::end(kCalls) : std::ranges::find(kCalls, std::string_view{arguments[1]}, &Call::name);
  if (call == std::end(kCalls)) {
    std::fprintf(stderr, "usage: short_writes CALL NUMBER LOG PROGRAM ARGUMENT...\n");
    return 2;
  }
  Tracer tracer{*call, std::strtoul(arguments[2], nullptr, 10), arguments[3]};
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) return 1;
  const pid_t self = getpid();
  const pid_t between = fork();
  if (between == 0) {
    close(ready[0]);
    trace(self, ready[1], tracer);
  }
  close(ready[1]);
  waitpid(between, nullptr, 0);
  char none = 0;
  if (read(ready[0], &none, 1) != 0) return 1;  // ends when the tracer has seized us
  execv(arguments[4], arguments + 4);
  std::perror(arguments[4]);
  return 1;
}
