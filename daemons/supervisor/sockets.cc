#include "daemons/supervisor/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace mailroom {
namespace {

constexpr int kBacklog = 4096;  // the kernel cuts it to net.core.somaxconn
constexpr int kToolsBacklog = 64;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void set_option(int fd, int level, int option, const std::string& what) {
  const int on = 1;
  if (::setsockopt(fd, level, option, &on, sizeof on) != 0) fail(what);
}

}  // namespace

Fd listen_on(const IpAddress& address) {
  const std::string name = "listen on " + address.text() + " port " + std::to_string(address.port);
  sockaddr_storage storage;
  const socklen_t length = to_sockaddr(address, storage);
  Fd fd{::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) fail(name);
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, name);
  // Answers are written whole; waiting for more would hold them back for 40 ms.  Accepted sockets inherit it.
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, name);
  if (storage.ss_family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, name);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) fail(name);
  if (::listen(fd.get(), kBacklog) != 0) fail(name);
  return fd;
}

Fd listen_for_tools(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    fail(path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) fail(path);
  ::unlink(path.c_str());
  const mode_t before = ::umask(0177);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(before);
  if (bound != 0 || ::listen(fd.get(), kToolsBacklog) != 0) fail(path);
  return fd;
}

}  // namespace mailroom
