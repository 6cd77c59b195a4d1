#include "daemons/relayd/socket_dialler.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "libcommon/sys/fd.h"
#include "libcommon/sys/socket_stream.h"

namespace mailroom::relayd {
namespace {

std::unexpected<std::string> error_words(int error) {
  return std::unexpected(std::string{std::strerror(error)});
}

class SocketLink : public Link {
 public:
  SocketLink(Fd socket, int stop, tls::ClientContext& tls)
      : socket_{std::move(socket)}, plain_{socket_.get(), stop}, context_{tls} {}

  Stream& stream() override { return tls_ ? static_cast<Stream&>(*tls_) : plain_; }

  std::size_t read_arrived(std::span<char> into) override {
    if (tls_ && tls_->has_buffered()) return take(into);
    pollfd entry{socket_.get(), POLLIN, 0};
    if (::poll(&entry, 1, 0) <= 0) return 0;
    if (tls_) return take(into);
    const std::size_t got = plain_.read(into);
    return got > 0 ? got : throw StreamError{StreamError::Kind::closed, "the far side has closed"};
  }

  std::expected<TlsStarted, TlsProblem> start_tls(const routing::TlsRequirement& required,
                                                  Time deadline) override {
    plain_.set_deadline(deadline);
    auto started = context_.start(plain_, required);
    if (!started) {
      const bool certificate = started.error().kind == tls::ClientFailure::Kind::certificate;
      return std::unexpected(TlsProblem{certificate ? RelayFailure::certificate : RelayFailure::tls_failed,
                                        std::move(started.error().words), std::move(started.error().result)});
    }
    tls_ = std::move(*started);
    return TlsStarted{tls_->facts().version + " " + tls_->facts().suite, tls_->facts().trouble};
  }

  void set_patience(std::chrono::milliseconds patience) override { plain_.set_patience(patience); }
  bool is_told_to_end() const override { return plain_.is_told_to_end(); }

  void close() noexcept override {
    if (tls_) tls_->close();
  }

 private:
  // A record that brings no data (a session ticket, a key update) is nothing.
  std::size_t take(std::span<char> into) {
    const auto taken = tls_->take(into);
    if (taken.progress == tls::TlsStream::Progress::end)
      throw StreamError{StreamError::Kind::closed, "the far side has closed"};
    return taken.progress == tls::TlsStream::Progress::bytes ? taken.size : 0;
  }

  Fd socket_;
  SocketStream plain_;
  tls::ClientContext& context_;
  std::unique_ptr<tls::TlsStream> tls_;
};

std::expected<Fd, std::string> connect_to(const sockaddr* address, socklen_t length, int stop,
                                          Link::Time deadline) {
  Fd socket{::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return error_words(errno);
  const int on = 1;
  if (address->sa_family != AF_UNIX) ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.get(), address, length) == 0) return socket;
  if (errno != EINPROGRESS) return error_words(errno);
  try {
    wait_for_socket(socket.get(), stop, POLLOUT, deadline);
  } catch (const StreamError& error) {
    if (error.kind == StreamError::Kind::timeout) return error_words(ETIMEDOUT);
    throw;
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return error_words(error);
  return socket;
}

}  // namespace

std::expected<std::unique_ptr<Link>, std::string> SocketDialler::connect(const IpAddress& address,
                                                                         Link::Time deadline) {
  sockaddr_storage storage{};
  const socklen_t length = to_sockaddr(address, storage);
  auto socket = connect_to(reinterpret_cast<const sockaddr*>(&storage), length, stop_, deadline);
  if (!socket) return std::unexpected(std::move(socket.error()));
  last_socket_ = socket->get();
  return std::make_unique<SocketLink>(std::move(*socket), stop_, tls_);
}

std::expected<std::unique_ptr<Link>, std::string> SocketDialler::connect_unix(const std::string& name,
                                                                              Link::Time deadline) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string path = "./" + name;  // the current directory is the root directory
  if (path.size() >= sizeof address.sun_path || name.contains('/') || name.contains('\0'))
    return std::unexpected("no name of a socket");
  path.copy(address.sun_path, path.size());
  auto socket = connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, stop_, deadline);
  if (!socket) return std::unexpected(std::move(socket.error()));
  last_socket_ = socket->get();
  return std::make_unique<SocketLink>(std::move(*socket), stop_, tls_);
}

}  // namespace mailroom::relayd
