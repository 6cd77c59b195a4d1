// Each wall is put up in a child, which then tries to get over it.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>

#include "libcommon/sys/become.h"
#include "libcommon/sys/fd.h"
#include "libcommon/sys/jail.h"
#include "libcommon/sys/syscall_filter.h"

namespace {

using namespace mailroom;

// Wait status of a child that runs the function and exits with its result.
int in_child(const std::function<int()>& function) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(function());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

int exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

void filter_with(std::initializer_list<CallSet> sets) {
  set_no_new_privs();
  SystemCallFilter{sets}.install();
}

TEST_CASE("what is not listed fails, what nobody may ask for ends the process") {
  CHECK(exit_status(in_child([] {
          filter_with({CallSet::basic});
          return ::openat(AT_FDCWD, "/", O_RDONLY) < 0 && errno == EPERM ? 0 : 1;
        })) == 0);
  CHECK(exit_status(in_child([] {
          filter_with({CallSet::basic, CallSet::files, CallSet::fork, CallSet::identity});
          return ::socket(AF_INET, SOCK_STREAM, 0);
        })) == -SIGSYS);
  CHECK(exit_status(in_child([] {
          filter_with({CallSet::basic, CallSet::files, CallSet::fork, CallSet::identity});
          return ::execl("/bin/true", "true", nullptr);
        })) == -SIGSYS);
}

TEST_CASE("who may only listen does not connect by sending") {
  const auto sends = [](int flags) {
    return exit_status(in_child([flags] {
      filter_with({CallSet::basic, CallSet::listen});
      const Fd socket{::socket(AF_INET, SOCK_STREAM, 0)};
      sockaddr_in nobody{};
      nobody.sin_family = AF_INET;
      nobody.sin_port = htons(9);
      nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      errno = 0;
      ::sendto(socket.get(), "x", 1, flags | MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&nobody),
               sizeof nobody);
      return errno;
    }));
  };
  CHECK(sends(0) == EPIPE);  // the call itself is allowed
  CHECK(sends(MSG_FASTOPEN) == EPERM);
}

TEST_CASE("a supervisor's sets: it reads, and writes, starts and connects nothing") {
  CHECK(exit_status(in_child([] {
          filter_with({CallSet::basic, CallSet::listen, CallSet::read_files});
          const Fd socket{::socket(AF_INET, SOCK_STREAM, 0)};
          const bool reads = Fd{::openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY)} && socket;
          const bool writes =
              Fd{::openat(AT_FDCWD, "/dev/null", O_WRONLY)} || Fd{::openat(AT_FDCWD, "/dev/null", O_RDWR)};
          const bool local = Fd{::socket(AF_UNIX, SOCK_STREAM, 0)} || Fd{::socket(AF_INET, SOCK_DGRAM, 0)};
          const bool connects = ::connect(socket.get(), nullptr, 0) == 0 || errno != EPERM;
          const bool forks = ::fork() >= 0;
          return reads && !writes && !local && !connects && !forks ? 0 : 1;
        })) == 0);
}

TEST_CASE("what is listed works") {
  CHECK(exit_status(in_child([] {
          filter_with({CallSet::basic, CallSet::files});
          return Fd{::openat(AT_FDCWD, "/", O_RDONLY)} ? 0 : 1;
        })) == 0);
  CHECK(exit_status(in_child([] {
          filter_with({CallSet::basic, CallSet::fork});
          return exit_status(in_child([] { return 5; })) == 5 ? 0 : 1;
        })) == 0);
}

TEST_CASE("a child's tighter filter takes away what its parent may") {
  CHECK(exit_status(in_child([] {
          const SystemCallFilter tight{CallSet::basic};
          filter_with({CallSet::basic, CallSet::fork, CallSet::enter, CallSet::make_sockets});
          return exit_status(in_child([&] {
            tight.install_single_threaded();
            return ::fork() < 0 && errno == EPERM ? 0 : 1;
          }));
        })) == 0);
}

TEST_CASE("under the filter of its parent, a child that may not fork does not") {
  if (::geteuid() != 0) return;
  CHECK(exit_status(in_child([] {
          become(0, kListenerCapabilities);
          set_no_new_privs();
          SystemCallFilter{{CallSet::basic, CallSet::fork, CallSet::identity}, {{65533, 65533}}}.install();
          return exit_status(in_child([] {
            become_in_child(65533);
            forbid_forks();
            return ::fork() < 0 && errno == EAGAIN ? 0 : 1;
          }));
        })) == 0);
}

TEST_CASE("Landlock bounds what a directory descriptor reaches") {
  CHECK(exit_status(in_child([] {
          const Fd directory{::open("/tmp", O_PATH | O_DIRECTORY)};
          set_no_new_privs();
          if (restrict_files_to({{directory.get(), FileAccess::all}}) == 0)
            return 0;  // this kernel has none, and mailroomd says so
          const bool out = Fd{::openat(directory.get(), "../etc/passwd", O_RDONLY)}.get() >= 0;
          return out ? 1 : 0;
        })) == 0);
}

TEST_CASE("who becomes somebody cannot go back") {
  if (::geteuid() != 0) return;  // the system tests check it in the running system
  CHECK(exit_status(in_child([] {
          become(65533, kNoCapabilities);
          return ::setuid(0) != 0 && ::getuid() == 65533 && ::getgid() == 65533 ? 0 : 1;
        })) == 0);
  CHECK(exit_status(in_child([] {
          become(0, kListenerCapabilities);
          if (::chown("/nonexistent", 1, 1) == 0) return 2;
          become_in_child(65533);
          return ::setuid(0) != 0 && ::chroot("/") != 0 ? 0 : 1;
        })) == 0);
}

TEST_CASE("files are made as the account, and the daemon's own identity returns") {
  if (::geteuid() != 0) return;
  CHECK(exit_status(in_child([] {
          become(65533, kDeliverCapabilities);
          char path[] = "/tmp/fs-identity-XXXXXX";
          {
            const FsIdentity account{65532};
            if (::access("/root", R_OK) == 0) return 3;
            const Fd file{::mkstemp(path)};
            struct stat facts {};
            if (::fstat(file.get(), &facts) != 0 || facts.st_uid != 65532) return 1;
            ::unlink(path);
          }
          const Fd file{::open("/tmp", O_TMPFILE | O_RDWR, 0600)};
          struct stat facts {};
          return ::fstat(file.get(), &facts) == 0 && facts.st_uid == 65533 ? 0 : 2;
        })) == 0);
}

TEST_CASE("no file is made as an account with another's group") {
  if (::geteuid() != 0) return;
  CHECK(exit_status(in_child([] {
          become(65533, CapabilityMask{1} << CAP_SETUID);  // without CAP_SETGID
          const FsIdentity account{65532};
          return 0;
        })) != 0);
}

TEST_CASE("a kernel that does not say whether it has Landlock is not taken for one without") {
  CHECK(exit_status(in_child([] {
          filter_with({CallSet::basic});  // EPERM for the question
          restrict_files_to({});
          return 0;
        })) != 0);
}

TEST_CASE("Landlock can keep a process from reading what it may write") {
  CHECK(exit_status(in_child([] {
          char path[] = "/tmp/walls-XXXXXX";
          if (::mkdtemp(path) == nullptr) return 4;
          const Fd directory{::open(path, O_RDONLY | O_DIRECTORY)};
          const auto make = [&] { return Fd{::openat(directory.get(), "x", O_WRONLY | O_CREAT, 0600)}; };
          set_no_new_privs();
          if (restrict_files_to({{directory.get(), FileAccess::put}}) == 0) return 0;
          if (!make()) return 1;
          const bool read = Fd{::openat(directory.get(), "x", O_RDONLY)}.get() >= 0;
          const bool removed = ::unlinkat(directory.get(), "x", 0) == 0;
          return read ? 2 : removed ? 0 : 3;
        })) == 0);
}

// By number, so that the library does not cut it to 32 bits as the kernel does.
bool takes(int call, long uid) {
  errno = 0;
  ::syscall(call, uid, uid, uid);
  return errno != EPERM;
}

TEST_CASE("the filter bounds whose identity may be taken for files") {
  if (::geteuid() != 0) return;
  CHECK(exit_status(in_child([] {
          become(65533, kDeliverCapabilities);
          set_no_new_privs();
          SystemCallFilter{{CallSet::basic, CallSet::fs_identity}, {{1'000'000, 1'000'009}, {65533, 65533}}}
              .install();
          { const FsIdentity account{1'000'007}; }  // fatal when refused
          for (const long uid : {0L, 1L << 32, 1L << 32 | 1'000'007, 999'999L, 1'000'010L, 65532L})
            if (takes(SYS_setfsuid, uid) || takes(SYS_setfsgid, uid)) return 1;
          return takes(SYS_setfsuid, 1'000'000) && takes(SYS_setfsuid, 1'000'009) &&
                         takes(SYS_setfsuid, 65533)
                     ? 0
                     : 2;
        })) == 0);
}

TEST_CASE("the filter bounds whom a listener's children may become") {
  if (::geteuid() != 0) return;
  CHECK(exit_status(in_child([] {
          become(0, kListenerCapabilities);
          set_no_new_privs();
          SystemCallFilter{{CallSet::basic, CallSet::identity}, {{70'000, 70'009}, {1'000'000, 1'000'009}}}
              .install();
          for (const long uid : {0L, 1L << 32, 69'999L, 70'010L, 999'999L, 1'000'010L, -1L})
            if (takes(SYS_setresuid, uid) || takes(SYS_setresgid, uid)) return 1;
          const gid_t group = 5;
          if (::setgroups(1, &group) == 0 || ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0) return 2;
          become_in_child(70'009);
          return 0;
        })) == 0);
}

TEST_CASE("a descriptor stays what it is") {
  CHECK(exit_status(in_child([] {
          int ends[2];
          if (::pipe2(ends, O_NONBLOCK) != 0) return 4;
          filter_with({CallSet::basic});
          if (::fcntl(ends[1], F_SETFL, 0) == 0) return 1;
          if (::fcntl(ends[1], F_SETOWN, 1) == 0 || ::fcntl(ends[1], F_SETPIPE_SZ, 4096) == 0) return 2;
          return ::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0 && (::fcntl(ends[1], F_GETFL) & O_NONBLOCK) != 0
                     ? 0
                     : 3;
        })) == 0);
}

}  // namespace
