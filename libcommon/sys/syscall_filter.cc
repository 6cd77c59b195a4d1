#include "libcommon/sys/syscall_filter.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include "libcommon/sys/fatal.h"
#include "libcommon/sys/fd.h"
#include "libcommon/sys/sanitized.h"

namespace mailroom {
namespace {

constexpr uid_t kNoUid = ~uid_t{0};  // setfsuid of it only asks

// Memory is never executable, and descriptors stay what they are: mmap, mprotect, fcntl and tgkill have rules
// of their own.
constexpr int kBasic[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(shutdown),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockname),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(getrusage),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};
constexpr int kMemoryFiles[] = {SCMP_SYS(memfd_create)};
constexpr int kAccept[] = {SCMP_SYS(accept4)};
constexpr int kFiles[] = {
    SCMP_SYS(openat),     SCMP_SYS(openat2),   SCMP_SYS(newfstatat), SCMP_SYS(statx),    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(access),    SCMP_SYS(open),       SCMP_SYS(stat),     SCMP_SYS(lstat),
    SCMP_SYS(unlink),     SCMP_SYS(unlinkat),  SCMP_SYS(rename),     SCMP_SYS(renameat), SCMP_SYS(renameat2),
    SCMP_SYS(linkat),     SCMP_SYS(mkdir),     SCMP_SYS(mkdirat),    SCMP_SYS(rmdir),    SCMP_SYS(getdents64),
    SCMP_SYS(pread64),    SCMP_SYS(pwrite64),  SCMP_SYS(preadv),     SCMP_SYS(pwritev),  SCMP_SYS(ftruncate),
    SCMP_SYS(fsync),      SCMP_SYS(fdatasync), SCMP_SYS(syncfs),     SCMP_SYS(msync),    SCMP_SYS(fstatfs),
    SCMP_SYS(statfs),     SCMP_SYS(flock),     SCMP_SYS(fadvise64),  SCMP_SYS(fchdir),   SCMP_SYS(getcwd),
    SCMP_SYS(sysinfo),    SCMP_SYS(setitimer),
};
constexpr int kWatch[] = {SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_rm_watch)};
constexpr int kMakeSockets[] = {SCMP_SYS(socketpair)};
constexpr int kFork[] = {SCMP_SYS(wait4), SCMP_SYS(waitid)};  // clone has a rule of its own
// setgroups has a rule of its own; the numbers of setresuid and setresgid are looked at before.
constexpr int kIdentity[] = {SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(getresuid)};
// prctl and seccomp have rules of their own.
constexpr int kEnter[] = {SCMP_SYS(chroot), SCMP_SYS(chdir), SCMP_SYS(fchdir), SCMP_SYS(capset)};
// socket and the options of sockets have rules of their own.
constexpr int kConnect[] = {SCMP_SYS(connect)};
constexpr int kFsIdentity[] = {SCMP_SYS(setfsuid), SCMP_SYS(setfsgid)};  // their numbers too
constexpr int kInternet[] = {SCMP_SYS(bind),
                             SCMP_SYS(connect)};  // socket and its options have rules of their own

constexpr int kListen[] = {SCMP_SYS(bind), SCMP_SYS(listen)};  // the same
constexpr int kReadFiles[] = {SCMP_SYS(newfstatat), SCMP_SYS(stat),
                              SCMP_SYS(getdents64)};  // openat has a rule of its own

std::span<const int> calls_of(CallSet set) {
  switch (set) {
  case CallSet::basic:
    return kBasic;
  case CallSet::accept:
    return kAccept;
  case CallSet::memory_files:
    return kMemoryFiles;
  case CallSet::files:
    return kFiles;
  case CallSet::watch:
    return kWatch;
  case CallSet::make_sockets:
    return kMakeSockets;
  case CallSet::fork:
    return kFork;
  case CallSet::identity:
    return kIdentity;
  case CallSet::enter:
    return kEnter;
  case CallSet::fs_identity:
    return kFsIdentity;
  case CallSet::connect:
    return kConnect;
  case CallSet::internet:
    return kInternet;
  case CallSet::listen:
    return kListen;
  case CallSet::read_files:
    return kReadFiles;
  }
  return {};
}

// Whoever asks for one of these has been taken over.
constexpr int kDeadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(pidfd_getfd),
};

class Builder {
 public:
  Builder() : context_{seccomp_init(SCMP_ACT_ERRNO(EPERM))} {
    if (context_ == nullptr) fatal("seccomp_init");
    // Tree search: the cost of a call does not grow with the length of the list.
    check(seccomp_attr_set(context_, SCMP_FLTATR_CTL_OPTIMIZE, 2));
  }
  ~Builder() { seccomp_release(context_); }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  template <typename... Compare>
  void allow(int call, Compare... compare) {
    check(seccomp_rule_add(context_, SCMP_ACT_ALLOW, call, sizeof...(compare), compare...));
  }
  void kill(int call) { check(seccomp_rule_add(context_, SCMP_ACT_KILL_PROCESS, call, 0)); }

  std::vector<sock_filter> compile() {
    const Fd file{::memfd_create("filter", MFD_CLOEXEC)};
    if (!file) fatal_errno("memfd_create");
    check(seccomp_export_bpf(context_, file.get()));
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
    if (::pread(file.get(), program.data(), static_cast<std::size_t>(size), 0) != size)
      fatal_errno("read of a filter");
    return program;
  }

 private:
  static void check(int result) {
    if (result == 0 || result == -EEXIST) return;
    errno = -result;
    fatal_errno("libseccomp");
  }
  scmp_filter_ctx context_;
};

// A descriptor's flags, seals and copies; and for files the locks that LMDB takes.  No owner, signal, lease
// or pipe size, and nothing that clears O_NONBLOCK: others have the same pipe.
void add_descriptor_control(Builder& builder) {
  for (const int command : {F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS})
    builder.allow(SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command)));
  builder.allow(SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFL),
                SCMP_A2(SCMP_CMP_MASKED_EQ, O_NONBLOCK | O_ASYNC, O_NONBLOCK));
}

void add_locks(Builder& builder) {
  for (const int command : {F_GETLK, F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW})
    builder.allow(SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command)));
}

// Capabilities that outlive a change of uid, a tighter filter.
void add_entering(Builder& builder) {
  builder.allow(SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_KEEPCAPS));
  builder.allow(SCMP_SYS(seccomp), SCMP_A0(SCMP_CMP_EQ, SECCOMP_SET_MODE_FILTER), SCMP_A1(SCMP_CMP_EQ, 0));
}

// fork() is clone with SIGCHLD: no thread, no namespaces.  A child sets limits, its own.
void add_forking(Builder& builder) {
  constexpr scmp_datum_t kNotByFork = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                      CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_VM | CLONE_THREAD;
  builder.allow(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, kNotByFork, 0));
  builder.allow(SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0));
}

void add_stream_sockets(Builder& builder) {
  constexpr unsigned kType = 0xf;  // of the second argument, beside SOCK_CLOEXEC and SOCK_NONBLOCK
  for (const unsigned family : {AF_INET, AF_INET6, AF_UNIX})
    builder.allow(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, family),
                  SCMP_A1(SCMP_CMP_MASKED_EQ, kType, SOCK_STREAM), SCMP_A2(SCMP_CMP_EQ, 0));
  builder.allow(SCMP_SYS(getsockopt), SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET), SCMP_A2(SCMP_CMP_EQ, SO_ERROR));
  builder.allow(SCMP_SYS(setsockopt), SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP), SCMP_A2(SCMP_CMP_EQ, TCP_NODELAY));
}

void add_internet_sockets(Builder& builder) {
  constexpr unsigned kTypeBits = 0xf;  // of the argument; the rest are SOCK_CLOEXEC and SOCK_NONBLOCK
  for (const unsigned family : {AF_INET, AF_INET6})
    for (const unsigned type : {SOCK_STREAM, SOCK_DGRAM})
      builder.allow(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, family),
                    SCMP_A1(SCMP_CMP_MASKED_EQ, kTypeBits, type));
  constexpr std::pair<unsigned, unsigned> kOptions[] = {{SOL_SOCKET, SO_REUSEADDR},
                                                        {SOL_IP, IP_MTU_DISCOVER},
                                                        {SOL_IPV6, IPV6_MTU_DISCOVER},
                                                        {SOL_IPV6, IPV6_MTU},
                                                        {SOL_IPV6, IPV6_V6ONLY}};
  for (const auto& [level, option] : kOptions)
    builder.allow(SCMP_SYS(setsockopt), SCMP_A1(SCMP_CMP_EQ, level), SCMP_A2(SCMP_CMP_EQ, option));
  builder.allow(SCMP_SYS(getsockopt), SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET), SCMP_A2(SCMP_CMP_EQ, SO_ERROR));
}

void add_listening_sockets(Builder& builder) {
  constexpr unsigned kTypeBits = 0xf;
  for (const unsigned family : {AF_INET, AF_INET6})
    builder.allow(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, family),
                  SCMP_A1(SCMP_CMP_MASKED_EQ, kTypeBits, SOCK_STREAM), SCMP_A2(SCMP_CMP_EQ, 0));
  constexpr std::pair<unsigned, unsigned> kOptions[] = {
      {SOL_SOCKET, SO_REUSEADDR}, {IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_IPV6, IPV6_V6ONLY}};
  for (const auto& [level, option] : kOptions)
    builder.allow(SCMP_SYS(setsockopt), SCMP_A1(SCMP_CMP_EQ, level), SCMP_A2(SCMP_CMP_EQ, option));
}

void add_reading(Builder& builder) {
  builder.allow(SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
}

// A pipe, as writing to it tries whether an object can be read; where a thread's stack is.
void add_calls_of_sanitizers(Builder& builder) {
  builder.allow(SCMP_SYS(pipe2));
  builder.allow(SCMP_SYS(sched_getaffinity));
}

void add_set(Builder& builder, CallSet set) {
  for (const int call : calls_of(set)) builder.allow(call);
  if (set == CallSet::basic) {
    builder.allow(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    builder.allow(SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    builder.allow(SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));  // abort()
    add_descriptor_control(builder);
    if (kIsSanitized) add_calls_of_sanitizers(builder);
  }
  if (set == CallSet::connect) add_stream_sockets(builder);
  if (set == CallSet::files) add_locks(builder);
  if (set == CallSet::identity) builder.allow(SCMP_SYS(setgroups), SCMP_A0(SCMP_CMP_EQ, 0));
  if (set == CallSet::enter) add_entering(builder);
  if (set == CallSet::fork) add_forking(builder);
  if (set == CallSet::internet) add_internet_sockets(builder);
  if (set == CallSet::listen) add_listening_sockets(builder);
  if (set == CallSet::read_files) add_reading(builder);
}

// Lets pass what gives `arguments` numbers of the ranges, refuses it otherwise, and says nothing about other
// calls.  By hand: libseccomp compares an argument once in a rule, and all 64 bits of it, of which the kernel
// takes the lower 32.
void put_identity_check(std::vector<sock_filter>& program, int call, unsigned arguments,
                        const std::vector<UidRange>& ranges) {
  const auto put = [&](int code, std::uint32_t value, std::size_t if_true, std::size_t if_false) {
    program.push_back({static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true),
                       static_cast<std::uint8_t>(if_false), value});
  };
  const auto load = [&](std::size_t offset) {
    put(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset), 0, 0);
  };
  const auto refuse = [&] { put(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0); };
  const std::size_t for_each_argument = 5 + 2 * ranges.size();
  load(offsetof(seccomp_data, nr));
  put(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, for_each_argument * arguments);
  for (unsigned i = 0; i < arguments; ++i) {
    const std::size_t argument = offsetof(seccomp_data, args) + i * sizeof(std::uint64_t);  // little-endian
    load(argument + sizeof(std::uint32_t));
    put(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    refuse();
    load(argument);
    for (std::size_t r = 0; r < ranges.size(); ++r) {
      put(BPF_JMP | BPF_JGE | BPF_K, ranges[r].first, 0, 1);
      put(BPF_JMP | BPF_JGT | BPF_K, ranges[r].last, 0,
          2 * (ranges.size() - r - 1) + 1);  // to behind the refusal
    }
    refuse();
  }
}

void put_identity_checks(std::vector<sock_filter>& program, const std::vector<UidRange>& ranges) {
  for (const int call : {SCMP_SYS(setresuid), SCMP_SYS(setresgid)})
    put_identity_check(program, call, 3, ranges);
  std::vector<UidRange> with_question = ranges;
  with_question.push_back({kNoUid, kNoUid});
  for (const int call : {SCMP_SYS(setfsuid), SCMP_SYS(setfsgid)})
    put_identity_check(program, call, 1, with_question);
}

// Refuses what connects by sending (TCP Fast Open), of which neither the rules for connect() nor Landlock
// know.
void put_no_fast_open(std::vector<sock_filter>& program, int call, unsigned flags_argument) {
  const std::size_t flags = offsetof(seccomp_data, args) + flags_argument * sizeof(std::uint64_t);
  program.insert(program.end(), {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 3),
                                 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(flags)),
                                 BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MSG_FASTOPEN, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)});
}

void set_filter(const std::vector<sock_filter>& program, unsigned flags) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()),
                          const_cast<sock_filter*>(program.data())};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) != 0) fatal_errno("seccomp");
}

}  // namespace

SystemCallFilter::SystemCallFilter(std::initializer_list<CallSet> sets,
                                   const std::vector<UidRange>& identities) {
  Builder builder;
  for (const CallSet set : sets) add_set(builder, set);
  for (const int call : kDeadly) builder.kill(call);
  const auto has = [&](CallSet set) { return std::ranges::find(sets, set) != sets.end(); };
  if (has(CallSet::connect) || has(CallSet::listen)) {  // libunbound's resolver connects so
    put_no_fast_open(program_, SCMP_SYS(sendto), 3);
    put_no_fast_open(program_, SCMP_SYS(sendmsg), 2);
    put_no_fast_open(program_, SCMP_SYS(sendmmsg), 3);
  } else if (!has(CallSet::internet)) {
    builder.kill(SCMP_SYS(socket));
  }
  if (std::ranges::any_of(
          sets, [](CallSet set) { return set == CallSet::identity || set == CallSet::fs_identity; }))
    put_identity_checks(program_, identities);
  const std::vector<sock_filter> rules = builder.compile();
  program_.insert(program_.end(), rules.begin(), rules.end());
}

void SystemCallFilter::install() const { set_filter(program_, SECCOMP_FILTER_FLAG_TSYNC); }
void SystemCallFilter::install_single_threaded() const { set_filter(program_, 0); }

}  // namespace mailroom
