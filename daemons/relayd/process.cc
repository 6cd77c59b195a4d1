#include "daemons/relayd/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "daemons/dialogue/clock.h"
#include "daemons/log.h"
#include "daemons/relayd/client.h"
#include "daemons/relayd/socket_dialler.h"
#include "libcommon/ipc/channel.h"

namespace mailroom::relayd {
namespace {

// For queued to say where to, and for authd to answer.
constexpr std::chrono::seconds kPatience{30};

class AuthdCredentials : public CredentialSource {
 public:
  explicit AuthdCredentials(Fd to_authd) : authd_{std::move(to_authd)} {}

  std::optional<RelayCredentials> ask() override {
    if (!authd_.is_open() || authd_.send(WantCredentials{}) != ipc::SendResult::sent) return std::nullopt;
    auto answer =
        authd_.receive(ipc::PacketSocket::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
    if (!answer) return std::nullopt;
    return std::get<RelayCredentials>(std::move(answer->message));
  }

 private:
  ipc::MessageChannel<RelayToAuthd, AuthdToRelay> authd_;
};

// Content in a sealed memfd, by mapping it: the offset of the descriptor is shared with other processes.
class MappedContent {
 public:
  MappedContent(const Fd& file, std::size_t size) : size_{size} {
    constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_WRITE;
    // By lseek: the filter knows no newfstatat, which is what fstat is.
    if (::lseek(file.get(), 0, SEEK_END) != static_cast<off_t>(size) ||
        (::fcntl(file.get(), F_GET_SEALS) & kSeals) != kSeals)
      return;
    bytes_ = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  }
  ~MappedContent() {
    if (is_there()) ::munmap(bytes_, size_);
  }
  MappedContent(const MappedContent&) = delete;
  MappedContent& operator=(const MappedContent&) = delete;

  bool is_there() const { return bytes_ != MAP_FAILED; }
  std::string_view view() const { return {static_cast<const char*>(bytes_), size_}; }

 private:
  std::size_t size_;
  void* bytes_ = MAP_FAILED;
};

const char* failure_name(RelayFailure failure) {
  constexpr const char* kNames[] = {"none",
                                    "unreachable",
                                    "cut",
                                    "greeting",
                                    "tls-unavailable",
                                    "tls-failed",
                                    "certificate",
                                    "authentication",
                                    "unsupported",
                                    "forbidden",
                                    "loop",
                                    "requiretls-unavailable",
                                    "local"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(RelayFailure::kLast) + 1);
  return kNames[static_cast<std::size_t>(failure)];
}

std::string where(const IpAddress& address) { return address == IpAddress{} ? "unix" : address.text(); }

class Process {
 public:
  explicit Process(RelayProcess& process)
      : relay_{process.relay}, queued_{std::move(process.to_queued)},
        credentials_{std::move(process.to_authd)}, dialler_{queued_.fd(), process.tls},
        client_{{process.config.hostname, process.config.relayd, process.config.tls_timeout},
                {dialler_, credentials_, clock_}} {}

  void run() {
    auto first =
        queued_.receive(ipc::PacketSocket::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
    if (!first) return note(first.error());
    const auto* request = std::get_if<Connect>(&first->message);
    if (request == nullptr || !connect(*request)) return;
    while (const Wake wake = wait()) {
      if (wake.message && !carry(wake.has_left)) return;
      if (wake.has_left) return;
    }
    client_.quit();
  }

 private:
  struct Wake {
    bool message = false;
    bool has_left = false;
    explicit operator bool() const { return message || has_left; }
  };

  bool connect(const Connect& request) {
    auto result = client_.connect(request);
    const auto* made = std::get_if<Connected>(&result);
    log_attempts(made != nullptr ? made->attempts : std::get<NotConnected>(result).attempts);
    if (made != nullptr)
      log::write("relay-connected", {{"relay", log::Id{relay_}},
                                     {"host", made->host},
                                     {"peer", where(made->address)},
                                     {"tls", made->tls.empty() ? "none" : made->tls},
                                     {"verified", made->verified ? "yes" : "no"}});
    const bool connected = made != nullptr;
    return std::visit(
               [&](auto& message) { return queued_.send(std::move(message)) == ipc::SendResult::sent; },
               result) &&
           connected;
  }

  void log_attempts(const std::vector<HopAttempt>& attempts) {
    for (const HopAttempt& attempt : attempts)
      log::write("relay-failed", {{"relay", log::Id{relay_}},
                                  {"host", attempt.host},
                                  {"peer", where(attempt.address)},
                                  {"failure", failure_name(attempt.failure)},
                                  {"reason", attempt.detail},
                                  {"reply", attempt.reply.text},
                                  {"tls-result", attempt.tls_result}});
  }

  void note(ipc::ReceiveError error) const {
    if (error == ipc::ReceiveError::malformed)
      log::write("peer-misbehaved", {{"session", log::Id{relay_}},
                                     {"channel", "queued-relay"},
                                     {"peer", "queued"},
                                     {"reason", "malformed"}});
  }

  // For a message, or for the far side to say or do something between two messages.  Nothing of both: the
  // end, also of a message that has not been looked at.
  Wake wait() {
    for (;;) {
      pollfd entries[] = {{queued_.fd(), POLLIN | POLLRDHUP, 0}, {dialler_.last_socket(), POLLIN, 0}};
      if (::poll(entries, std::size(entries), -1) < 0) {
        if (errno == EINTR) continue;
        return {};
      }
      if ((entries[0].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) return {};
      const Wake wake{(entries[0].revents & POLLIN) != 0, entries[1].revents != 0 && client_.has_left()};
      if (wake) return wake;
    }
  }

  // Takes the message and answers.  False when there will be no other.
  bool carry(bool has_left) {
    auto received = queued_.receive(ipc::PacketSocket::Wait::no, 1);
    if (!received) {
      note(received.error());
      return received.error() == ipc::ReceiveError::would_block;
    }
    const auto* message = std::get_if<Send>(&received->message);
    if (message == nullptr) return false;
    const Sent sent = has_left ? untouched(*message) : send(*message, received->descriptors);
    log_message(*message, sent);
    return queued_.send(sent) == ipc::SendResult::sent && sent.reusable;
  }

  Sent send(const Send& message, const std::vector<Fd>& descriptors) {
    if (message.memfd_size == 0) return client_.send(message, message.content);
    if (descriptors.empty()) return unread(message);
    const MappedContent content{descriptors.front(), message.memfd_size};
    return content.is_there() ? client_.send(message, content.view()) : unread(message);
  }

  // Nothing was said about it: the far side went before.
  static Sent untouched(const Send& message) {
    return unsent(message, RelayFailure::cut,
                  {0, "4.4.2", "the far side closed the connection before the message"});
  }
  // Nor here: its content cannot be had.
  static Sent unread(const Send& message) {
    return unsent(message, RelayFailure::local, {0, "4.3.0", "this system could not read the content"});
  }
  static Sent unsent(const Send& message, RelayFailure failure, const Reply& words) {
    Sent sent{.queue_id = message.queue_id, .outcomes = {}, .reusable = false};
    for (const OutboundRecipient& recipient : message.recipients)
      sent.outcomes.push_back({recipient.number, failure, RelayStage::connect, words});
    return sent;
  }

  void log_message(const Send& message, const Sent& sent) {
    const auto taken = std::ranges::count_if(sent.outcomes, [](const RecipientOutcome& outcome) {
      return outcome.failure == RelayFailure::none && outcome.reply.accepted();
    });
    log::write("relay-message",
               {{"relay", log::Id{relay_}},
                {"queue", log::Id{message.queue_id}},
                {"recipients", sent.outcomes.size()},
                {"taken", taken},
                {"size", std::max<std::uint64_t>(message.memfd_size, message.content.size())}});
  }

  RelayId relay_;
  SystemClock clock_;
  ipc::MessageChannel<RelayToQueued, QueuedToRelay> queued_;
  AuthdCredentials credentials_;
  SocketDialler dialler_;
  Client client_;
};

}  // namespace

void run_relay(RelayProcess& process) { Process{process}.run(); }

}  // namespace mailroom::relayd
