// What libcurl may connect to: the addresses that its request has listed, at their port.
#include "daemons/stsd/listed_socket.h"

#include <fcntl.h>

#include <catch2/catch.hpp>

#include "libcommon/sys/fd.h"

using namespace mailroom;
using namespace mailroom::stsd;

namespace {

Fd open(const Listed& listed, const char* to) {
  sockaddr_storage address{};
  const socklen_t size = to_sockaddr(*parse_ip_and_port(to), address);
  return Fd{open_listed_socket(listed, reinterpret_cast<const sockaddr&>(address), size)};
}

const Listed kListed{{*parse_ip_and_port("192.0.2.1:0"), *parse_ip_and_port("[2001:db8::1]:0")}, 443};

}  // namespace

TEST_CASE("a listed address gets a socket that does not block") {
  const Fd socket = open(kListed, GENERATE("192.0.2.1:443", "[2001:db8::1]:443", "[::ffff:192.0.2.1]:443"));
  REQUIRE(socket);
  CHECK((::fcntl(socket.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(socket.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("another address, another port, another family gets none") {
  CHECK_FALSE(open(kListed, GENERATE("127.0.0.1:443", "192.0.2.2:443", "192.0.2.1:25", "[::1]:443",
                                     "[2001:db8::1]:444", "[::ffff:127.0.0.1]:443")));
  CHECK_FALSE(open({{}, 443}, "192.0.2.1:443"));
  sockaddr_storage local{};
  local.ss_family = AF_UNIX;
  CHECK(open_listed_socket(kListed, reinterpret_cast<const sockaddr&>(local), sizeof local) == -1);
}
