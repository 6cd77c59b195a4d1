#include "daemons/listener/relay.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

namespace mailroom {
namespace {

constexpr std::size_t kRelayBuffer = 16384;  // one TLS record

class Relay {
 public:
  Relay(tls::TlsStream& tls, int client, int session, int stop, const RelayPatience& patience)
      : tls_{tls}, client_{client}, session_{session}, stop_{stop}, patience_{patience} {}

  void run() {
    while (step()) {
    }
    tls_.close();
  }

 private:
  using Clock = std::chrono::steady_clock;

  // False when one side has ended.  What the session has no room for waits here, and nothing more is taken
  // from the client: to wait for the session would be to wait for ever where it waits for room itself.
  bool step() {
    if (for_session_.empty() && tls_.has_buffered()) return from_client();
    const bool is_full = !for_session_.empty();
    pollfd entries[3] = {{is_full ? -1 : client_, POLLIN, 0},
                         {session_, static_cast<short>(is_full ? POLLIN | POLLOUT : POLLIN), 0},
                         {stop_, POLLRDHUP, 0}};
    if (::poll(entries, 3, -1) < 0) return errno == EINTR;
    if (entries[2].revents != 0) return false;
    if ((entries[1].revents & POLLHUP) != 0 && !last_words_by_)
      last_words_by_ = Clock::now() + patience_.last_words;
    if ((entries[1].revents & ~POLLOUT) != 0 && !from_session()) return false;
    if ((entries[1].revents & POLLOUT) != 0) to_session();
    return entries[0].revents == 0 || from_client();
  }

  bool from_session() {
    const ssize_t got = ::recv(session_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    wait_for_one_record();
    if (got > 0) tls_.write({buffer_.data(), static_cast<std::size_t>(got)});
    return got > 0;
  }

  bool from_client() {
    wait_for_one_record();
    const auto taken = tls_.take(input_);
    if (taken.progress == tls::TlsStream::Progress::end) return false;
    if (taken.progress == tls::TlsStream::Progress::nothing) return true;
    for_session_ = {input_.data(), taken.size};
    to_session();
    return true;
  }

  // Nothing is left for a session that has ended; what it said last is still to be passed on.
  void to_session() {
    const ssize_t sent =
        ::send(session_, for_session_.data(), for_session_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
      for_session_.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno != EAGAIN && errno != EINTR)
      for_session_ = {};
  }

  void wait_for_one_record() {
    const auto by = Clock::now() + patience_.record;
    tls_.set_deadline(last_words_by_ ? std::min(by, *last_words_by_) : by);
  }

  tls::TlsStream& tls_;
  int client_;
  int session_;
  int stop_;
  RelayPatience patience_;
  std::optional<Clock::time_point> last_words_by_;  // once the session has ended
  std::array<char, kRelayBuffer> buffer_;
  std::array<char, kRelayBuffer> input_;
  std::string_view for_session_;  // in input_
};

}  // namespace

void relay(tls::TlsStream& tls, int client, int session, int stop, const RelayPatience& patience) {
  Relay{tls, client, session, stop, patience}.run();
}

}  // namespace mailroom
