#include "tests/breach/tracee.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace breach {
namespace {

constexpr std::size_t kScratchSize = 65536;
constexpr long kOptions = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
constexpr long kGetFilter = 0x420c;  // PTRACE_SECCOMP_GET_FILTER

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

long trace(long request, pid_t pid, std::uint64_t address, const void* data) {
  return ::ptrace(static_cast<__ptrace_request>(request), pid, reinterpret_cast<void*>(address),
                  const_cast<void*>(data));
}

struct Area {
  std::uint64_t begin = 0, end = 0;
};

Area area_named(pid_t pid, const std::string& name) {
  std::ifstream maps{"/proc/" + std::to_string(pid) + "/maps"};
  for (std::string line; std::getline(maps, line);) {
    if (!line.ends_with(name)) continue;
    Area area;
    char dash = 0;
    std::istringstream{line} >> std::hex >> area.begin >> dash >> area.end;
    return area;
  }
  throw std::runtime_error("the process has no " + name);
}

std::string memory_of(pid_t pid, const Area& area) {
  std::ifstream memory{"/proc/" + std::to_string(pid) + "/mem", std::ios::binary};
  std::string bytes(area.end - area.begin, '\0');
  memory.seekg(static_cast<std::streamoff>(area.begin));
  memory.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

}  // namespace

Tracee::Tracee(pid_t pid) : pid_{pid} {
  if (trace(PTRACE_SEIZE, pid_, 0, reinterpret_cast<void*>(kOptions)) != 0) fail("PTRACE_SEIZE");
  if (trace(PTRACE_INTERRUPT, pid_, 0, nullptr) != 0) fail("PTRACE_INTERRUPT");
  int status = 0;
  if (::waitpid(pid_, &status, __WALL) != pid_ || !WIFSTOPPED(status)) fail("the process does not stop");
  if (trace(PTRACE_GETREGS, pid_, 0, &saved_) != 0) fail("PTRACE_GETREGS");
  find_system_call();
  read_filters();
}

// Of a copy, which is stopped at its birth.
Tracee::Tracee(pid_t copy, const Tracee& original)
    : pid_{copy}, is_copy_{true}, saved_{original.saved_},
      system_call_{original.system_call_}, scratch_{original.scratch_}, filters_{original.filters_} {
  int status = 0;
  if (::waitpid(pid_, &status, __WALL) != pid_ || !WIFSTOPPED(status)) fail("the copy does not stop");
}

Tracee::~Tracee() {
  if (dead_) return;
  if (is_copy_) {
    call(SYS_exit_group, {0});
    return;
  }
  if (scratch_ != 0) call(SYS_munmap, {scratch_, kScratchSize});
  trace(PTRACE_SETREGS, pid_, 0, &saved_);
  trace(PTRACE_DETACH, pid_, 0, reinterpret_cast<void*>(static_cast<long>(pending_signal_)));
}

void Tracee::abandon() {
  ::kill(pid_, SIGKILL);
  dead_ = true;
}

void Tracee::find_system_call() {
  const Area vdso = area_named(pid_, "[vdso]");
  const std::size_t at = memory_of(pid_, vdso).find("\x0f\x05");
  if (at == std::string::npos) throw std::runtime_error("no system call instruction in the vdso");
  system_call_ = vdso.begin + at;
}

void Tracee::read_filters() {
  for (unsigned number = 0;; ++number) {
    FilterProgram program(BPF_MAXINSNS);
    const long size = trace(kGetFilter, pid_, number, program.data());
    if (size < 0 && errno == ENOENT) return;
    if (size < 0 && errno == EINVAL && number == 0) return;  // no filter at all
    if (size < 0) fail("PTRACE_SECCOMP_GET_FILTER");
    program.resize(static_cast<std::size_t>(size));
    filters_.push_back(std::move(program));
  }
}

long Tracee::call(long number, Arguments arguments) {
  user_regs_struct registers = saved_;
  registers.rip = system_call_;
  registers.rax = static_cast<std::uint64_t>(number);
  registers.orig_rax = ~0ULL;  // not in a system call: nothing that the kernel would begin again
  registers.rdi = arguments[0];
  registers.rsi = arguments[1];
  registers.rdx = arguments[2];
  registers.r10 = arguments[3];
  registers.r8 = arguments[4];
  registers.r9 = arguments[5];
  return step(registers);
}

// One instruction, the system call; stops on the way are for children and for signals, which come after all
// this.
long Tracee::step(const user_regs_struct& registers) {
  if (trace(PTRACE_SETREGS, pid_, 0, &registers) != 0) fail("PTRACE_SETREGS");
  for (;;) {
    if (trace(PTRACE_SINGLESTEP, pid_, 0, nullptr) != 0) fail("PTRACE_SINGLESTEP");
    int status = 0;
    if (::waitpid(pid_, &status, __WALL) != pid_) fail("waitpid");
    if (!WIFSTOPPED(status)) {
      dead_ = true;
      return -ESRCH;
    }
    const int event = status >> 16;
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
      unsigned long child = 0;
      trace(PTRACE_GETEVENTMSG, pid_, 0, &child);
      new_child_ = static_cast<pid_t>(child);
      continue;
    }
    if (event != 0) continue;
    if (WSTOPSIG(status) != SIGTRAP) {
      pending_signal_ = WSTOPSIG(status);
      continue;
    }
    user_regs_struct after{};
    if (trace(PTRACE_GETREGS, pid_, 0, &after) != 0) fail("PTRACE_GETREGS");
    return static_cast<long>(after.rax);
  }
}

std::uint64_t Tracee::scratch() {
  if (scratch_ == 0) {
    const long at =
        call(SYS_mmap, {0, kScratchSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~0ULL, 0});
    if (at < 0) throw std::runtime_error("the process cannot map memory");
    scratch_ = static_cast<std::uint64_t>(at);
  }
  return scratch_;
}

void Tracee::write(std::uint64_t address, std::string_view bytes) {
  const int memory = ::open(("/proc/" + std::to_string(pid_) + "/mem").c_str(), O_WRONLY | O_CLOEXEC);
  if (memory < 0) fail("/proc/PID/mem");
  const ssize_t written = ::pwrite(memory, bytes.data(), bytes.size(), static_cast<off_t>(address));
  ::close(memory);
  if (written != static_cast<ssize_t>(bytes.size())) fail("write to the process");
}

bool Tracee::in_copy(const std::function<void(Tracee&)>& act) {
  new_child_ = 0;
  scratch();  // before, so that the copy has it too
  if (call(SYS_clone, {SIGCHLD}) < 0 || new_child_ == 0) return false;
  Tracee copy{new_child_, *this};
  act(copy);
  return true;
}

}  // namespace breach
