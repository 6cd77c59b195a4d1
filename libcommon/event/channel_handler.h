// A message channel in an event loop: calls back for each message and once for its end, never blocks, and
// queues what the peer does not take at once, up to a bound.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libcommon/event/loop.h"
#include "libcommon/ipc/channel.h"

namespace mailroom::event {

enum class ChannelEnd {
  closed,      // the peer closed it, or a send failed
  malformed,   // the peer sent what no honest program sends: log it as an alarm
  overflowed,  // the peer does not read: more than kMaxQueued packets wait for it
};

constexpr const char* channel_end_name(ChannelEnd end) {
  constexpr const char* kNames[] = {"closed", "malformed", "overflowed"};
  return kNames[static_cast<unsigned>(end)];
}

// In and Out are variants.  Usage: construct, then set nothing else; the handlers are called from the loop
// only. on_message(In&&, std::vector<Fd>&&) and on_end(ChannelEnd) may destroy the handler.
template <typename Out, typename In>
class ChannelHandler {
 public:
  static constexpr std::size_t kMaxQueued = 65536;  // packets
  // Packets taken in one turn, and how long no further one is begun, so that one busy channel does not starve
  // the others: some messages are a sync of the disk.
  static constexpr int kBurst = 32;
  static constexpr std::chrono::milliseconds kTurn{2};
  // A packet takes 768 octets or more of the sender's buffer, which has 208 KiB (net.core.wmem_default) or
  // what an operator has made of it; nobody but mailroomd and the supervisor can ask for another.
  static constexpr int kMostInSocket = 4096;

  // The loop may say once too often that there is something, when drain() has taken it.  A socket that is no
  // channel can make it say so without end: one of TCP with something in its error queue.
  static constexpr int kMostInVain = 1'000;

  using OnMessage = std::function<void(In&&, std::vector<Fd>&&)>;
  using OnEnd = std::function<void(ChannelEnd)>;

  ChannelHandler(Loop& loop, LeasedFd channel, std::size_t max_descriptors, OnMessage on_message,
                 OnEnd on_end)
      : socket_{std::move(channel)}, max_descriptors_{max_descriptors}, on_message_{std::move(on_message)},
        on_end_{std::move(on_end)}, loop_{loop}, readable_{loop, socket_.fd(), [this] { read(); }} {}

  ~ChannelHandler() { *alive_ = false; }
  ChannelHandler(const ChannelHandler&) = delete;
  ChannelHandler& operator=(const ChannelHandler&) = delete;

  // Never blocks and never calls back: a peer that is gone is reported by on_end from the loop.
  void send(const Out& message, std::vector<Fd> descriptors = {}) {
    std::string bytes;
    ipc::LeftOut long_string;
    ipc::Encoder{bytes, long_string}.put(message);
    if (waiting_.empty() && try_send(bytes, descriptors, long_string)) return;
    if (waiting_.size() >= kMaxQueued) {
      overflowed_ = true;
      return fail();
    }
    bytes.insert(long_string.at, long_string.text);
    waiting_.push_back({std::move(bytes), std::move(descriptors)});
    when_writable();
  }

  // Nothing more is sent, also of what waits; messages and the end still come.
  void finish() {
    waiting_.clear();
    socket_.finish();
  }

  // What arrives is left in the socket until resume().
  void pause() { readable_.pause(); }
  void resume() { readable_.resume(); }
  std::size_t queued() const { return waiting_.size(); }

  // Handles everything that has arrived on this channel by now.  The kernel keeps causal order between
  // channels: what a peer sent before it answered a third party is here before that party's next message is.
  // No more than a socket has room for: a peer that goes on sending is not waited for.
  void drain() {
    for (int i = 0; i < kMostInSocket; ++i)
      if (!read_one()) return;
  }

 private:
  struct Waiting {
    std::string bytes;
    std::vector<Fd> descriptors;
  };

  // True when nothing needs to wait (sent, or the channel is dead).
  bool try_send(std::string_view bytes, const std::vector<Fd>& descriptors,
                const ipc::LeftOut& long_string = {}) {
    std::vector<int> raw;
    for (const Fd& fd : descriptors) raw.push_back(fd.get());
    switch (socket_.send(bytes, ipc::PacketSocket::Wait::no, raw, long_string)) {
    case ipc::SendResult::sent:
      return true;
    case ipc::SendResult::would_block:
      return false;
    case ipc::SendResult::closed:
    case ipc::SendResult::too_many_descriptors:
      fail();
      return true;
    }
    return true;
  }

  void flush() {
    while (!waiting_.empty()) {
      if (!try_send(waiting_.front().bytes, waiting_.front().descriptors)) return when_writable();
      waiting_.pop_front();
    }
  }

  // Most channels are one connection's, and never need these two.
  void when_writable() {
    if (!writable_) writable_.emplace(loop_, socket_.fd(), [this] { flush(); });
    writable_->arm();
  }
  void fail() {
    if (!failed_) failed_.emplace(loop_, [this] { end(ChannelEnd::closed); });
    failed_->start(std::chrono::microseconds{0});
  }

  void read() {
    const auto end = std::chrono::steady_clock::now() + kTurn;
    for (int i = 0; i < kBurst; ++i)
      if (!read_one(i == 0 ? Woken::yes : Woken::no) || std::chrono::steady_clock::now() > end) return;
  }

  enum class Woken : bool { no, yes };  // by the loop, which says that there is something

  // False when there is no more now, or this object may be gone.
  bool read_one(Woken woken = Woken::no) {
    auto packet = socket_.receive(ipc::PacketSocket::Wait::no, max_descriptors_);
    if (!packet) {
      nothing_came(packet.error(), woken);
      return false;
    }
    woken_in_vain_ = 0;
    auto message = ipc::decode<In>(packet->bytes);
    if constexpr (ipc::kHoldsSecret<In>) packet->forget();
    if (!message) {
      end(ChannelEnd::malformed);
      return false;
    }
    const std::shared_ptr<bool> alive = alive_;
    on_message_(std::move(*message), std::move(packet->descriptors));
    return *alive;
  }

  void nothing_came(ipc::ReceiveError error, Woken woken) {
    if (error == ipc::ReceiveError::closed) return end(ChannelEnd::closed);
    if (error == ipc::ReceiveError::malformed || (woken == Woken::yes && ++woken_in_vain_ > kMostInVain))
      end(ChannelEnd::malformed);
  }

  void end(ChannelEnd why) {
    readable_.pause();
    const OnEnd on_end = on_end_;  // the call may destroy this object
    on_end(overflowed_ ? ChannelEnd::overflowed : why);
  }

  ipc::PacketSocket socket_;
  std::size_t max_descriptors_;
  OnMessage on_message_;
  OnEnd on_end_;
  std::list<Waiting> waiting_;
  bool overflowed_ = false;
  int woken_in_vain_ = 0;  // in a row
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Loop& loop_;
  ReadWatch readable_;
  std::optional<WriteWatch> writable_;
  std::optional<Timer> failed_;
};

}  // namespace mailroom::event
