#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "daemons/listener/session_start.h"

namespace {

using namespace mailroom;

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
