#include "daemons/listener/relay.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "libcommon/sys/socket_stream.h"

namespace mailroom {
namespace {

constexpr std::size_t kRelayBuffer = 16384;  // one TLS record

class Relay {
 public:
  Relay(tls::TlsStream& tls, int client, int session, int stop)
      : tls_{tls}, client_{client}, session_{session}, stop_{stop}, to_session_{session, stop} {}

  void run() {
    tls_.set_deadline(kNever);  // the session has its own idea of idleness; it ends us by closing its end
    while (step()) {
    }
    tls_.close();
  }

 private:
  static constexpr auto kNever = std::chrono::steady_clock::time_point::max();

  // False when one side has ended.
  bool step() {
    if (tls_.has_buffered()) return from_client();
    pollfd entries[3] = {{client_, POLLIN, 0}, {session_, POLLIN, 0}, {stop_, POLLRDHUP, 0}};
    if (::poll(entries, 3, -1) < 0) return errno == EINTR;
    if (entries[2].revents != 0) return false;
    if (entries[1].revents != 0 && !from_session()) return false;
    return entries[0].revents == 0 || from_client();
  }

  bool from_session() {
    const ssize_t got = ::recv(session_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got > 0) tls_.write({buffer_.data(), static_cast<std::size_t>(got)});
    return got > 0;
  }

  bool from_client() {
    const auto taken = tls_.take(buffer_);
    if (taken.progress == tls::TlsStream::Progress::end) return false;
    if (taken.progress == tls::TlsStream::Progress::bytes) to_session_.write({buffer_.data(), taken.size});
    return true;
  }

  tls::TlsStream& tls_;
  int client_;
  int session_;
  int stop_;
  SocketStream to_session_;
  std::array<char, kRelayBuffer> buffer_;
};

}  // namespace

void relay(tls::TlsStream& tls, int client, int session, int stop) {
  Relay{tls, client, session, stop}.run();
}

}  // namespace mailroom
