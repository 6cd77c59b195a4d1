#include "tests/unit/mailbox/kill.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

namespace mailroom::mailbox {
namespace {

bool is_step(long call) {
  constexpr long kSteps[] = {SYS_write,    SYS_pwrite64, SYS_pwritev,  SYS_fsync,  SYS_fdatasync,
                             SYS_syncfs,   SYS_linkat,   SYS_renameat, SYS_rename, SYS_renameat2,
                             SYS_unlinkat, SYS_mkdirat,  SYS_ftruncate};
  return std::ranges::find(kSteps, call) != std::end(kSteps);
}

bool ended(int status) { return WIFEXITED(status) || WIFSIGNALED(status); }

long call_number(pid_t child) {
  return ptrace(PTRACE_PEEKUSER, child, offsetof(user_regs_struct, orig_rax), nullptr);
}

}  // namespace

bool killed_at(int n, const std::function<void()>& body) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  bool entering = true;
  for (int steps = 0; !ended(status);) {
    if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP) {
      if (entering && is_step(call_number(child)) && ++steps == n) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return true;
      }
      entering = !entering;
    }
    ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    waitpid(child, &status, 0);
  }
  REQUIRE(WIFEXITED(status));
  return false;
}

}  // namespace mailroom::mailbox
