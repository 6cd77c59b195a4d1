#include "libcommon/sys/kept_descriptors.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace mailroom;

TEST_CASE("a child keeps the descriptors named, and the first three") {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (int i = 0; i < 40; ++i)
      if (::open("/dev/null", O_RDONLY) < 0) ::_exit(2);
    close_all_but({9, -1, 5, 20});
    for (int fd = 0; fd < 64; ++fd) {
      const bool open = ::fcntl(fd, F_GETFD) >= 0;
      if (open != (fd <= 2 || fd == 5 || fd == 9 || fd == 20)) ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  CHECK(status == 0);
}

}  // namespace
