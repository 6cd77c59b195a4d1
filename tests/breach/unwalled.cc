#include "tests/breach/unwalled.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <stdexcept>

namespace breach {
namespace {

constexpr uid_t kNobody = 65534;

void insist(bool done) {
  if (!done) ::_exit(1);
}

// All that there are but those that change the machine; inheritable too, so that one may be made ambient.
void keep_capabilities() {
  constexpr std::uint64_t kOfTheMachine =
      1ULL << CAP_SYS_MODULE | 1ULL << CAP_SYS_BOOT | 1ULL << CAP_SYS_PACCT;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2]{};
  insist(::syscall(SYS_capget, &header, sets) == 0);
  for (unsigned half = 0; half < 2; ++half) {
    sets[half].permitted &= ~static_cast<std::uint32_t>(kOfTheMachine >> (32 * half));
    sets[half].effective = sets[half].inheritable = sets[half].permitted;
  }
  insist(::syscall(SYS_capset, &header, sets) == 0);
}

void open_descriptors() {
  int ends[2];
  insist(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0 && ::dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
  insist(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  insist(listening >= 0 && ::listen(listening, 1) == 0);  // at a port that the kernel chooses
  insist(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) >= 0);
  insist(::memfd_create("content", MFD_CLOEXEC | MFD_ALLOW_SEALING) >= 0);
}

[[noreturn]] void be_unwalled(const std::string& directory, int ready) {
  insist(::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
  insist(::unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) == 0);
  insist(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
  insist(::chdir(directory.c_str()) == 0);
  insist(::prctl(PR_SET_KEEPCAPS, 1) == 0 && ::setgroups(0, nullptr) == 0);
  insist(::setresgid(kNobody, kNobody, kNobody) == 0 && ::setresuid(kNobody, kNobody, kNobody) == 0);
  keep_capabilities();
  open_descriptors();
  insist(::write(ready, "r", 1) == 1);
  for (;;) ::pause();
}

}  // namespace

Unwalled::Unwalled(const std::string& directory) {
  ::mkdir(directory.c_str(), 0777);
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  pid_ = ::fork();
  if (pid_ == 0) be_unwalled(directory, ready[1]);
  ::close(ready[1]);
  char said = 0;
  const bool is_ready = ::read(ready[0], &said, 1) == 1;
  ::close(ready[0]);
  if (!is_ready) throw std::runtime_error("no process without walls can be made here");
}

Unwalled::~Unwalled() {
  ::kill(pid_, SIGKILL);
  for (pid_t ended = 0; ended != pid_ && ended >= 0;)
    ended = ::waitpid(-1, nullptr, __WALL);  // threads first
}

}  // namespace breach
