#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemons/listener/kept_descriptors.h"
#include "daemons/listener/session_start.h"

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

TEST_CASE("a session's start travels in a memfd, and nothing else is taken for one") {
  const SessionStart read = read_session_start(write_session_start({"a1", "a2 NOOP\r\n", "TLSv1.3"}));
  CHECK(read.context == "a1");
  CHECK(read.pre_read == "a2 NOOP\r\n");
  CHECK(read.tls == "TLSv1.3");

  CHECK_THROWS(read_session_start(write_session_start({std::string(kMaxSessionStart, 'x'), {}, {}})));
  CHECK_THROWS(read_session_start(Fd{::open("/dev/null", O_RDONLY)}));
  CHECK_THROWS(read_session_start(Fd{::open("/", O_RDONLY | O_DIRECTORY)}));
}

}  // namespace
