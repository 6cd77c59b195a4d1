// A channel: one end of a SOCK_SEQPACKET pair.  One message is one packet: a variant of the structs in
// daemons/channels/, with at most kMaxDescriptors descriptors beside it.  Who speaks is known by which
// channel it arrives on, and by nothing else (DESIGN.md section 2).
//
// Packets are at most kMaxPacket octets.  A message that does not decode, is longer, or carries more
// descriptors than the receiver allows ends the channel; it never ends the receiver.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/ipc/codec.h"
#include "libcommon/sys/fd.h"
#include "libcommon/sys/leased_fd.h"

namespace mailroom::ipc {

inline constexpr std::size_t kMaxPacket = 72 * 1024;  // 64 KiB of content and room for the rest of its struct
inline constexpr std::size_t kMaxDescriptors = 8;     // of one packet
inline constexpr int kSendBuffer =
    4 * 1024 * 1024;  // asked for; the kernel may grant less (net.core.wmem_max)

// Two connected ends, close-on-exec.  Throws std::system_error.
std::pair<Fd, Fd> make_channel();

enum class ReceiveError {
  would_block,  // nothing there now (non-blocking channels) or the deadline has passed
  closed,       // the peer has closed its end, or the socket failed
  malformed,    // a packet that is too long, does not decode, or has descriptors that were not allowed, or a
                // descriptor that is no socket at all: close the channel
};

struct Packet {
  std::string_view bytes;  // into the channel's receive buffer; valid until the next receive
  std::vector<Fd> descriptors;
  // Overwrites the bytes where they are.
  void forget();
};

// A message type that carries a password says so: static constexpr bool kHoldsSecret = true.  What carried it
// in is overwritten once it is decoded.
template <typename T>
inline constexpr bool kHoldsSecret = requires {
  T::kHoldsSecret;
};
template <typename... T>
inline constexpr bool kHoldsSecret<std::variant<T...>> = (kHoldsSecret<T> || ...);

enum class SendResult {
  sent,
  would_block,
  closed,
  // This uid has more descriptors under way in sockets than RLIMIT_NOFILE allows, since somebody does not
  // receive (ETOOMANYREFS): nothing is sent, and without descriptors everything would be.
  too_many_descriptors,
};

// The raw end; MessageChannel below is what programs use.
class PacketSocket {
 public:
  explicit PacketSocket(LeasedFd end) : end_{std::move(end)} {}

  int fd() const { return end_.fd.get(); }
  bool is_open() const { return static_cast<bool>(end_.fd); }
  void close() { end_ = LeasedFd{}; }
  Fd take() { return std::move(end_.fd); }
  // Nothing more is sent from here: the peer comes to the end of what it reads, and may go on sending.
  void finish();

  // Blocks up to the deadline (for ever without one); with `wait == Wait::no` never blocks.
  enum class Wait : std::uint8_t { yes, no };
  std::expected<Packet, ReceiveError>
  receive(Wait wait, std::size_t max_descriptors = 0,
          std::optional<std::chrono::steady_clock::time_point> deadline = {});
  // `long_string` goes where it was left out of `bytes`.
  SendResult send(std::string_view bytes, Wait wait, std::span<const int> descriptors = {},
                  const LeftOut& long_string = {});

 private:
  LeasedFd end_;
};

// Sends Out, receives In; both are variants.
template <typename Out, typename In>
class MessageChannel {
 public:
  using Wait = PacketSocket::Wait;
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  MessageChannel() : socket_{LeasedFd{}} {}
  explicit MessageChannel(LeasedFd end) : socket_{std::move(end)} {}

  int fd() const { return socket_.fd(); }
  bool is_open() const { return socket_.is_open(); }
  void close() { socket_.close(); }
  Fd take() { return socket_.take(); }

  SendResult send(const Out& message, std::span<const int> descriptors = {}, Wait wait = Wait::yes) {
    scratch_.clear();
    LeftOut long_string;
    Encoder{scratch_, long_string}.put(message);
    return socket_.send(scratch_, wait, descriptors, long_string);
  }

  struct Received {
    In message;
    std::vector<Fd> descriptors;
  };
  std::expected<Received, ReceiveError> receive(Wait wait = Wait::yes, std::size_t max_descriptors = 0,
                                                Deadline deadline = {}) {
    auto packet = socket_.receive(wait, max_descriptors, deadline);
    if (!packet) return std::unexpected(packet.error());
    auto message = decode<In>(packet->bytes);
    if constexpr (kHoldsSecret<In>) packet->forget();
    if (!message) return std::unexpected(ReceiveError::malformed);
    return Received{std::move(*message), std::move(packet->descriptors)};
  }

 private:
  PacketSocket socket_;
  std::string scratch_;
};

}  // namespace mailroom::ipc
