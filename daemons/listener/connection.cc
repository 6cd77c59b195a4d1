#include "daemons/listener/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include "daemons/listener/relay.h"
#include "daemons/listener/session_start.h"
#include "daemons/listener/tls_rules.h"
#include "daemons/log.h"

namespace mailroom {
namespace {

// For one whole handshake.
std::chrono::steady_clock::time_point handshake_deadline(const Config& config) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds{config.tls_timeout};
}

constexpr std::chrono::seconds kHandOverPatience{10};
// How long a port with detect-tls waits for a hello before it speaks itself.
constexpr std::chrono::milliseconds kDetectTime{500};
constexpr char kHandshakeRecord = 0x16;  // RFC 8446 5.1

}  // namespace

Connection::Connection(BeforeLogin& process)
    : process_{process}, listener_{std::move(process.to_listener)}, signer_{listener_},
      plain_{process.client.get(), listener_.fd()} {}

Stream& Connection::open() {
  if (process_.listener.tls != TlsMode::implicit && !begins_with_tls()) return plain_;
  if (process_.tls == nullptr)
    throw StreamError{StreamError::Kind::failed, "implicit TLS without a certificate"};
  return start();
}

// A client that is set to "SSL" on a port with STARTTLS says its hello at once; another waits to be greeted.
bool Connection::begins_with_tls() const {
  if (!process_.listener.quirks.detect_tls || process_.tls == nullptr) return false;
  pollfd client{process_.client.get(), POLLIN, 0};
  if (::poll(&client, 1, static_cast<int>(kDetectTime.count())) != 1) return false;
  char first = 0;
  return ::recv(process_.client.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first == kHandshakeRecord;
}

void Connection::close() noexcept {
  if (tls_) tls_->close();
}

bool Connection::can_start_tls() const {
  return process_.listener.tls == TlsMode::starttls && process_.tls != nullptr && !tls_;
}

void Connection::forgive(const policy::Quirks& quirks) { tolerance_ = tolerance_of(quirks); }

Stream& Connection::start() {
  plain_.set_deadline(handshake_deadline(process_.config));
  process_.tls->bind_signer(signer_);
  try {
    tls_ = tls::TlsStream::accept(*process_.tls, plain_, tolerance_);
  } catch (const tls::HandshakeError& error) {
    log::write("tls-failed", {{"session", log::Id{process_.connection}}, {"reason", error.what()}});
    throw;
  }
  const tls::HandshakeFacts& facts = tls_->facts();
  log::write("tls-started", {{"session", log::Id{process_.connection}},
                             {"version", facts.version},
                             {"cipher", facts.suite},
                             {"name", facts.server_name}});
  return *tls_;
}

bool Connection::hand_over(std::string context, std::string pre_read) {
  SessionStart start{std::move(context), std::move(pre_read), {}, {}};
  if (tls_) {
    start.tls = tls_->facts().version + " " + tls_->facts().suite;
    start.records = tls_->release();
  }
  if (tls_ && !start.records) return hand_over_relayed(write_session_start(start));
  const bool taken = hand_over_whole(write_session_start(start));
  if (!taken && tls_) tls_->reclaim();
  return taken;
}

bool Connection::hand_over_whole(Fd start) {
  const int descriptors[] = {start.get(), process_.client.get()};
  listener_.send(HandOver{.relayed = false}, descriptors);
  auto answer = listener_.receive(ipc::PacketSocket::Wait::yes, 0,
                                  std::chrono::steady_clock::now() + kHandOverPatience);
  return answer && std::holds_alternative<SessionOpened>(answer->message);
}

bool Connection::hand_over_relayed(Fd start) {
  const int descriptor = start.get();
  listener_.send(HandOver{.relayed = true}, {&descriptor, 1});
  auto answer = listener_.receive(ipc::PacketSocket::Wait::yes, 1,
                                  std::chrono::steady_clock::now() + kHandOverPatience);
  if (!answer || !std::holds_alternative<SessionOpened>(answer->message) || answer->descriptors.size() != 1)
    return false;
  relay(*tls_, process_.client.get(), answer->descriptors.front().get(), listener_.fd());
  return true;
}

}  // namespace mailroom
