// Each wall is put up in a child, which then tries to get over it.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
          filter_with({CallSet::basic, CallSet::files, CallSet::fork, CallSet::become});
          return ::socket(AF_INET, SOCK_STREAM, 0);
        })) == -SIGSYS);
  CHECK(exit_status(in_child([] {
          filter_with({CallSet::basic, CallSet::files, CallSet::fork, CallSet::become});
          return ::execl("/bin/true", "true", nullptr);
        })) == -SIGSYS);
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
          filter_with({CallSet::basic, CallSet::fork, CallSet::become, CallSet::make_sockets});
          return exit_status(in_child([&] {
            tight.install_single_threaded();
            return ::fork() < 0 && errno == EPERM ? 0 : 1;
          }));
        })) == 0);
}

TEST_CASE("Landlock bounds what a directory descriptor reaches") {
  CHECK(exit_status(in_child([] {
          const Fd directory{::open("/tmp", O_PATH | O_DIRECTORY)};
          set_no_new_privs();
          if (restrict_files_to({directory.get()}) == 0) return 0;  // this kernel has none, and mailroomd says so
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
            struct stat facts{};
            if (::fstat(file.get(), &facts) != 0 || facts.st_uid != 65532) return 1;
            ::unlink(path);
          }
          const Fd file{::open("/tmp", O_TMPFILE | O_RDWR, 0600)};
          struct stat facts{};
          return ::fstat(file.get(), &facts) == 0 && facts.st_uid == 65533 ? 0 : 2;
        })) == 0);
}

TEST_CASE("the filter bounds whose identity may be taken for files") {
  if (::geteuid() != 0) return;
  CHECK(exit_status(in_child([] {
          become(65533, kDeliverCapabilities);
          set_no_new_privs();
          SystemCallFilter{{CallSet::basic, CallSet::fs_identity}, 1'000'000}.install();
          { const FsIdentity account{1'000'007}; }  // fatal when refused
          errno = 0;
          ::setfsuid(0);
          return errno == EPERM ? 0 : 1;
        })) == 0);
}

}  // namespace
