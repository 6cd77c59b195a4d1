// Mail to other hosts: hands messages to relay processes, one connection each, and says what came of them.
//
// A process knows only the messages it was handed, one at a time, and is believed only about these: an answer
// about anything else ends it.  When it is done it is kept for a short time for more to the same destination.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemons/channels/relayd.h"
#include "daemons/queued/open_messages.h"
#include "daemons/queued/relay_outcomes.h"
#include "daemons/queued/route_desk.h"
#include "daemons/queued/schedule.h"
#include "daemons/queued/transport_results.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom::queued {

class RelayDesk {
 public:
  // Messages over one connection; many hosts have a limit of their own.
  static constexpr std::uint32_t kMaxMessages = 1'000;
  // Hosts that may have a session for a message in one attempt: another one follows when the first puts the
  // message off before it has the content (RFC 5321 5.1: at least two addresses).
  static constexpr std::size_t kMaxHosts = 2;
  // After relayd had no room for another process.
  static constexpr std::chrono::seconds kRefusedPause{1};

  struct Limits {
    std::uint32_t connections = 200;  // with those that are kept
    std::chrono::milliseconds idle{0};
    std::chrono::seconds stop{0};  // that the processes have for the outcomes that a stop waits for
    // A process that has not answered Connect, or Send, after so long is given up: it has time limits of its
    // own, and answers when they are over.
    std::chrono::milliseconds connect{0};
    std::chrono::milliseconds send{0};

    static Limits of(const Config& config);
  };

  // A host that had a session for the message in this attempt, and what it said of all of it.
  struct PutOff {
    IpAddress address;
    queue::TargetAnswer answer;
  };

  // A message on its way to a destination: its targets there that are not finished.
  struct Errand {
    Schedule::Given visit;
    Wanted wanted;
    std::vector<std::uint32_t> targets;  // not empty
    std::vector<PutOff> put_off = {};  // in their order; the last one speaks for all when no other takes part
  };

  // Who has given the errands.  Each ends with exactly one of sent(..., Rest::none), refused() and
  // not_sent().  A host that is followed by another one in the same attempt has neither worked nor failed.
  class Giver {
   public:
    enum class Rest : std::uint8_t { none, more };  // of the errand's targets
    virtual ~Giver() = default;
    virtual void sent(const Schedule::Given& visit, TargetResults results, Rest rest) = 0;
    // There is no way to the destination, for good.
    virtual void refused(const Schedule::Given& visit, TargetResults results) = 0;
    // There is none for now: nothing was attempted.  `answer` is about the destination.
    virtual void not_sent(const Schedule::Given& visit, const queue::TargetAnswer& answer) = 0;
    // The destination has taken part in a dialogue, or a connection to it has failed.
    virtual void worked(DestinationNumber destination) = 0;
    virtual void failed(DestinationNumber destination, const queue::TargetAnswer& answer) = 0;
    // Something more may be begun.
    virtual void ready() = 0;
  };

  RelayDesk(event::Loop& loop, OpenMessages& messages, RouteDesk& routes, Giver& giver);
  ~RelayDesk();

  void attach_relayd(LeasedFd fd);
  void set_limits(const Limits& limits) { limits_ = limits; }
  void set_results(TransportResults* results) { results_ = results; }
  bool is_able() const { return relayd_ != nullptr && !paused_; }

  void begin(Errand errand);
  // Its message is gone: nothing is said about it any more.
  void forget(const Schedule::Given& visit);
  // Connections that exist were made by plans that no longer hold: they end with what is under way on them.
  void retire_connections();
  // Begins nothing more, and waits only for the outcomes of messages that were handed over: of those whose
  // content has left the process comes to one (daemons/channels/relayd.h), of others there is none.  The
  // giver hears nothing of errands without an outcome: they are as if they had not begun.
  void stop();
  bool is_quiet() const { return relays_.empty() && planning_.empty(); }
  // Connections that are kept and not used.
  std::size_t idle() const { return idle_.size(); }

 private:
  struct Relay;
  using ListenerChannel = event::ChannelHandler<QueuedToRelayd, RelaydToQueued>;
  using RelayChannel = event::ChannelHandler<QueuedToRelay, RelayToQueued>;

  void planned(const Schedule::Given& visit, const routing::Planned& plan);
  void open(Errand errand, const routing::Plan& plan);
  Relay* take_idle(const Errand& errand);
  void note_attempts(const Relay& relay, const Connected& message);
  void note_results(const Relay& relay, const TargetResults& results);
  void hand_over(Relay& relay, Errand errand);
  void send_next(Relay& relay);
  void on_relay(RelayId id, const RelayToQueued& message);
  void ended(RelayId id, event::ChannelEnd why);
  void ended(RelayId id, const char* reason);
  void on_message(RelayId id, const Connected& message);
  void on_message(RelayId id, const NotConnected& message);
  void on_message(RelayId id, const Sent& message);
  bool goes_elsewhere(const Relay& relay, const TargetResults& results) const;
  void go_elsewhere(Relay& relay, const TargetResults& results, bool reusable);
  void results_came(Relay& relay, TargetResults results, bool reusable);
  void not_connected(Relay& relay, const TargetResult& result);
  void cut(RelayId id, const char* reason);
  void misbehaved(RelayId id, const char* reason);
  void keep_or_close(Relay& relay, bool reusable);
  void rest(Relay& relay);
  void make_room();
  void close(RelayId id);
  void refused_by_listener(RelayId id);
  void tell(DestinationNumber destination, const TargetResults& results);
  void not_sent(const Errand& errand, const queue::TargetAnswer& answer);
  void give_back(const Errand& errand, const queue::TargetAnswer& answer);

  event::Loop& loop_;
  OpenMessages& messages_;
  RouteDesk& routes_;
  Giver& giver_;
  Limits limits_;
  TransportResults* results_ = nullptr;
  std::unique_ptr<ListenerChannel> relayd_;
  std::unordered_map<RelayId, std::unique_ptr<Relay>> relays_;
  std::map<Schedule::Given, Errand> planning_;
  std::deque<RelayId> idle_;      // the longest idle first
  std::uint32_t generation_ = 0;  // of plans
  bool paused_ = false;
  bool stopping_ = false;
  event::Timer pause_;
};

}  // namespace mailroom::queued
