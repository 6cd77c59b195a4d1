// Other processes: making them, hurting them, looking into them.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <csignal>

#include "tests/breach/primitives.h"

namespace breach {
namespace {

constexpr auto kHere = static_cast<std::uint64_t>(AT_FDCWD);

bool fork(Attacker& attacker) {
  return attacker.in_copy([](Attacker&) { return true; }) || attacker.succeeds(SYS_vfork) ||
         attacker.succeeds(SYS_fork);
}

bool clone_other_ways(Attacker& attacker) {
  const clone_args arguments{.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
  return attacker.succeeds(SYS_clone3, {attacker.object(arguments), sizeof arguments}) ||
         attacker.succeeds(SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0}) ||
         attacker.succeeds(SYS_clone, {CLONE_NEWUSER | SIGCHLD});
}

bool enter_namespaces(Attacker& attacker) {
  return attacker.succeeds(SYS_unshare, {CLONE_NEWUSER}) || attacker.succeeds(SYS_unshare, {CLONE_NEWNS}) ||
         attacker.succeeds(SYS_setns, {0, 0});
}

bool execute(Attacker& attacker) {
  const std::uint64_t none = attacker.object(std::uint64_t{0});
  const std::uint64_t empty = attacker.text("");
  for (const int fd : attacker.memory_files())
    if (attacker.succeeds(SYS_execveat, {static_cast<std::uint64_t>(fd), empty, none, none, AT_EMPTY_PATH}))
      return true;
  return attacker.succeeds(SYS_execve, {attacker.text("/bin/sh"), none, none}) ||
         attacker.succeeds(SYS_execveat, {kHere, attacker.text("/bin/sh"), none, none, 0});
}

// Signal 0: whether it could be sent.
bool signal_others(Attacker& attacker) {
  const std::uint64_t pid = attacker.around().supervisor;
  const siginfo_t information{};
  return attacker.succeeds(SYS_kill, {pid, 0}) || attacker.succeeds(SYS_kill, {~0ULL, 0}) ||
         attacker.succeeds(SYS_tgkill, {pid, pid, 0}) || attacker.succeeds(SYS_tkill, {pid, 0}) ||
         attacker.succeeds(SYS_rt_sigqueueinfo, {pid, SIGCHLD, attacker.object(information)});
}

// A descriptor that becomes readable has the kernel send one.
bool signal_by_descriptor(Attacker& attacker) {
  for (const Descriptor& each : attacker.descriptors()) {
    const auto fd = static_cast<std::uint64_t>(each.number);
    if (attacker.succeeds(SYS_fcntl, {fd, F_SETOWN, attacker.around().supervisor}) ||
        attacker.succeeds(SYS_fcntl, {fd, F_SETSIG, SIGUSR1})) {
      attacker.call(SYS_fcntl, {fd, F_SETOWN, 0});
      attacker.call(SYS_fcntl, {fd, F_SETSIG, 0});
      return true;
    }
  }
  return false;
}

bool hold_others(Attacker& attacker) {
  const long fd = attacker.call(SYS_pidfd_open, {attacker.around().supervisor, 0});
  if (fd >= 0) attacker.call(SYS_close, {static_cast<std::uint64_t>(fd)});
  return fd >= 0 || attacker.succeeds(SYS_pidfd_send_signal, {0, 0, 0, 0}) ||
         attacker.succeeds(SYS_pidfd_getfd, {0, 0, 0});
}

bool look_into_others(Attacker& attacker) {
  const std::uint64_t pid = attacker.around().supervisor;
  const std::uint64_t vector = attacker.data(std::string(32, '\0'));
  return attacker.succeeds(SYS_ptrace, {0x4206 /* PTRACE_SEIZE */, pid, 0, 0}) ||
         attacker.succeeds(SYS_process_vm_readv, {pid, vector, 1, vector, 1, 0}) ||
         attacker.succeeds(SYS_process_vm_writev, {pid, vector, 1, vector, 1, 0}) ||
         attacker.succeeds(SYS_kcmp, {pid, pid, 0, 0, 0});
}

// What holds is asked for, not changed; the kernel wants the same right for both.
bool limit_others(Attacker& attacker) {
  return attacker.succeeds(
      SYS_prlimit64, {attacker.around().supervisor, RLIMIT_NOFILE, 0, attacker.data(std::string(16, '\0'))});
}

bool raise_own_limits(Attacker& attacker) {
  const rlimit more{65536, 65536};
  const std::uint64_t wanted = attacker.object(more);
  return attacker.succeeds(SYS_prlimit64, {0, RLIMIT_NOFILE, wanted, 0}) ||
         attacker.succeeds(SYS_setrlimit, {RLIMIT_NPROC, wanted});
}

bool schedule_others(Attacker& attacker) {
  const std::uint64_t pid = attacker.around().supervisor;
  const std::uint64_t mask = attacker.object(std::uint64_t{3});
  const sched_param parameter{};
  return attacker.succeeds(SYS_sched_setaffinity, {pid, 8, mask}) ||
         attacker.succeeds(SYS_sched_setaffinity, {0, 8, mask}) ||
         attacker.succeeds(SYS_setpriority, {PRIO_PROCESS, pid, 0}) ||
         attacker.succeeds(SYS_sched_setscheduler, {pid, SCHED_OTHER, attacker.object(parameter)}) ||
         attacker.succeeds(SYS_ioprio_set, {1, pid, 2 << 13});
}

bool leave_process_group(Attacker& attacker) {
  return attacker.in_copy([](Attacker& copy) { return copy.succeeds(SYS_setpgid, {0, 0}); });
}

constexpr Primitive kPrimitives[] = {
    {"fork", fork},
    {"clone-other-ways", clone_other_ways},
    {"enter-namespaces", enter_namespaces},
    {"execute", execute},
    {"signal-others", signal_others},
    {"signal-by-descriptor", signal_by_descriptor},
    {"hold-others", hold_others},
    {"look-into-others", look_into_others},
    {"limit-others", limit_others},
    {"raise-own-limits", raise_own_limits},
    {"schedule-others", schedule_others},
    {"leave-process-group", leave_process_group},
};

}  // namespace

std::span<const Primitive> process_primitives() { return kPrimitives; }

}  // namespace breach
