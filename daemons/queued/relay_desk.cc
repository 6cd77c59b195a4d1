#include "daemons/queued/relay_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/base/channel_end.h"
#include "daemons/log.h"
#include "daemons/queued/clock.h"
#include "daemons/queued/relay_requests.h"
#include "libcommon/sys/random.h"

namespace mailroom::queued {
namespace {

queue::TargetAnswer own_answer(std::string enhanced, std::string text) {
  return {.enhanced = std::move(enhanced), .text = std::move(text), .time = microseconds_now()};
}

// The hops without these addresses, and without what then has none.
std::vector<routing::NextHop> without(std::vector<routing::NextHop> hops,
                                      const std::vector<RelayDesk::PutOff>& put_off) {
  std::erase_if(hops, [&](routing::NextHop& hop) {
    return std::erase_if(hop.addresses,
                         [&](const IpAddress& address) {
                           return std::ranges::find(put_off, address, &RelayDesk::PutOff::address) !=
                                  put_off.end();
                         }) != 0 &&
           hop.addresses.empty();
  });
  return hops;
}

// What is left to be counted: a host that was left out before one that had a session is told with that
// session.
void drop_told(routing::Plan& plan, const std::vector<RelayDesk::PutOff>& put_off) {
  for (const RelayDesk::PutOff& each : put_off) {
    const auto hop = std::ranges::find(plan.hops, each.answer.host, &routing::NextHop::name);
    const auto turn = static_cast<std::size_t>(hop - plan.hops.begin());
    if (hop != plan.hops.end())
      std::erase_if(plan.left_out, [&](const routing::LeftOut& host) { return host.before <= turn; });
  }
}

// The same of each target.
TargetResults results_for(const std::vector<std::uint32_t>& targets, TargetResult result) {
  TargetResults results;
  for (const std::uint32_t number : targets) {
    result.answer.target = number;
    results.push_back(result);
  }
  return results;
}

}  // namespace

struct RelayDesk::Relay {
  RelayId id = 0;
  DestinationNumber destination = 0;
  std::uint32_t generation = 0;
  routing::Plan plan;
  std::unique_ptr<RelayChannel> channel;
  std::unique_ptr<event::Timer> timer;  // deadline of an answer, or end of being kept
  RelayPeer peer;
  IpAddress address;  // of the peer
  std::optional<Errand> errand;
  std::vector<std::uint32_t> sent;  // of the errand's targets: handed over, not answered
  std::size_t answered = 0;         // of the errand's targets
  std::uint32_t messages = 0;
  bool connected = false;
  bool forgotten = false;  // the errand's message is gone

  std::vector<std::uint32_t> unanswered() const {
    return {errand->targets.begin() + static_cast<std::ptrdiff_t>(answered), errand->targets.end()};
  }
  // Whether the plan has this address, and others.
  bool can_avoid(const IpAddress& avoided) const {
    std::size_t others = 0;
    bool is_there = false;
    for (const routing::NextHop& hop : plan.hops)
      for (const IpAddress& each : hop.addresses) {
        if (each == avoided)
          is_there = true;
        else
          ++others;
      }
    return is_there && others > 0;
  }
};

RelayDesk::Limits RelayDesk::Limits::of(const Config& config) {
  constexpr std::chrono::minutes kGrace{1};
  using std::chrono::milliseconds;
  return {.connections = config.queued.relay_connections,
          .idle = milliseconds{config.queued.relay_idle},
          .stop = std::chrono::ceil<std::chrono::seconds>(milliseconds{config.relayd.stop_timeout}),
          .connect = kOpeningTime + kGrace,
          .send = milliseconds{config.relayd.message_timeout} + kGrace};
}

RelayDesk::RelayDesk(event::Loop& loop, OpenMessages& messages, RouteDesk& routes, Giver& giver)
    : loop_{loop}, messages_{messages}, routes_{routes}, giver_{giver}, pause_{loop, [this] {
                                                                                 paused_ = false;
                                                                                 giver_.ready();
                                                                               }} {}

RelayDesk::~RelayDesk() = default;

// Processes that exist go on: each has a channel of its own.
void RelayDesk::attach_relayd(LeasedFd fd) {
  relayd_ = std::make_unique<ListenerChannel>(
      loop_, std::move(fd), 0,
      [this](RelaydToQueued&& message, std::vector<Fd>&&) {
        refused_by_listener(std::get<RelayRefused>(message).relay);
      },
      [this](event::ChannelEnd why) {
        log_channel_end("queued-relayd", "relayd", why);
        relayd_.reset();
      });
  giver_.ready();
}

// ---- the way to a connection

void RelayDesk::begin(Errand errand) {
  if (Relay* relay = take_idle(errand)) return hand_over(*relay, std::move(errand));
  const Schedule::Given visit = errand.visit;
  const Wanted wanted = errand.wanted;
  planning_.insert_or_assign(visit, std::move(errand));
  routes_.plan(wanted, [this, visit](const routing::Planned& plan) { planned(visit, plan); });
}

void RelayDesk::planned(const Schedule::Given& visit, const routing::Planned& plan) {
  auto node = planning_.extract(visit);
  if (node.empty()) return;
  Errand errand = std::move(node.mapped());
  if (plan) return open(std::move(errand), *plan);
  if (results_ != nullptr && errand.wanted.route.way == routing::Way::mx)
    results_->no_way(errand.wanted.route.domain, plan.error());
  const auto answer = own_answer(plan.error().enhanced, plan.error().text);
  if (!plan.error().permanent) return give_back(errand, answer);
  giver_.refused(errand.visit, results_for(errand.targets, {Fate::refused, answer}));
}

// There is no connection; an earlier host of the attempt may have said something.
void RelayDesk::not_sent(const Errand& errand, const queue::TargetAnswer& answer) {
  if (errand.put_off.empty()) return giver_.not_sent(errand.visit, answer);
  const TargetResults said = results_for(errand.targets, {Fate::deferred, errand.put_off.back().answer});
  giver_.sent(errand.visit, said, Giver::Rest::none);
  tell(errand.visit.destination, said);
}

void RelayDesk::give_back(const Errand& errand, const queue::TargetAnswer& answer) {
  not_sent(errand, answer);
  if (errand.put_off.empty()) giver_.failed(errand.visit.destination, answer);
}

void RelayDesk::tell(DestinationNumber destination, const TargetResults& results) {
  if (is_dialogue(results))
    giver_.worked(destination);
  else if (!is_local(results))
    giver_.failed(destination, results.front().answer);
}

void RelayDesk::open(Errand errand, const routing::Plan& plan) {
  if (!relayd_) return not_sent(errand, own_answer("4.3.0", "no connection can be made for now"));
  std::vector<routing::NextHop> hops =
      without(routes_.in_order(errand.wanted, errand.visit.id, plan), errand.put_off);
  if (hops.empty()) return not_sent(errand, own_answer("4.4.1", "there is no other host"));
  make_room();
  auto relay = std::make_unique<Relay>();
  fill_random(&relay->id, sizeof relay->id);
  const RelayId id = relay->id;
  relay->destination = errand.visit.destination;
  relay->generation = generation_;
  relay->plan = plan;
  drop_told(relay->plan, errand.put_off);
  relay->errand = std::move(errand);
  auto [ours, theirs] = ipc::make_channel();
  relay->channel = std::make_unique<RelayChannel>(
      loop_, std::move(ours), 0,
      [this, id](RelayToQueued&& message, std::vector<Fd>&&) { on_relay(id, message); },
      [this, id](event::ChannelEnd why) { ended(id, why); });
  relay->timer = std::make_unique<event::Timer>(loop_, [this, id] { ended(id, "it did not answer"); });
  relay->timer->start(limits_.connect);
  std::vector<Fd> descriptors;
  descriptors.push_back(std::move(theirs));
  relayd_->send(OpenRelay{id, plan.route}, std::move(descriptors));
  relay->channel->send(connect_of(plan, std::move(hops)));
  relays_.emplace(id, std::move(relay));
}

// Each of these may end the relay, and with it the handler that called.
void RelayDesk::on_relay(RelayId id, const RelayToQueued& message) {
  std::visit([&](const auto& m) { on_message(id, m); }, message);
  giver_.ready();
}

void RelayDesk::ended(RelayId id, event::ChannelEnd why) {
  why == event::ChannelEnd::closed ? cut(id, "it ended") : misbehaved(id, event::channel_end_name(why));
  giver_.ready();
}

void RelayDesk::ended(RelayId id, const char* reason) {
  cut(id, reason);
  giver_.ready();
}

// Not one to a host that has put this message off.
RelayDesk::Relay* RelayDesk::take_idle(const Errand& errand) {
  const auto found = std::ranges::find_if(idle_, [&](RelayId id) {
    const Relay& relay = *relays_.at(id);
    return relay.destination == errand.visit.destination &&
           !routes_.is_tried_last(errand.wanted, errand.visit.id, relay.address);
  });
  if (found == idle_.end()) return nullptr;
  Relay& relay = *relays_.at(*found);
  idle_.erase(found);
  return &relay;
}

void RelayDesk::retire_connections() {
  ++generation_;
  for (const RelayId id : std::exchange(idle_, {})) close(id);
}

void RelayDesk::stop() {
  stopping_ = true;
  planning_.clear();
  idle_.clear();
  std::vector<RelayId> over;
  for (const auto& [id, relay] : relays_) {
    if (relay->sent.empty() || relay->forgotten || relay->channel->queued() > 0) {
      over.push_back(id);
    } else {
      relay->channel->finish();
      relay->timer->cancel();
    }
  }
  for (const RelayId id : over) close(id);
  if (!relays_.empty())
    log::write("stop-waits", {{"connections", relays_.size()}, {"seconds", limits_.stop.count()}});
}

// Connections that are kept give way to one that is needed.
void RelayDesk::make_room() {
  while (relays_.size() >= limits_.connections && !idle_.empty()) {
    const RelayId id = idle_.front();
    idle_.pop_front();
    close(id);
  }
}

void RelayDesk::refused_by_listener(RelayId id) {
  const auto found = relays_.find(id);
  if (found == relays_.end() || found->second->connected) return;
  const Errand errand = std::move(*found->second->errand);
  const bool forgotten = found->second->forgotten;
  close(id);
  paused_ = true;
  pause_.start(kRefusedPause);
  if (!forgotten) not_sent(errand, own_answer("4.3.2", "too many connections are open"));
}

// ---- one connection

void RelayDesk::hand_over(Relay& relay, Errand errand) {
  relay.errand = std::move(errand);
  relay.forgotten = false;
  send_next(relay);
}

void RelayDesk::send_next(Relay& relay) {
  const OpenMessage* message = messages_.find(relay.errand->visit.id);
  if (message == nullptr) return close(relay.id);
  const auto& targets = relay.errand->targets;
  const auto first = targets.begin() + static_cast<std::ptrdiff_t>(relay.answered);
  relay.sent.assign(
      first, first + static_cast<std::ptrdiff_t>(count_for_one_send(*message, targets, relay.answered)));
  std::vector<Fd> descriptors;
  if (message->memfd) descriptors.push_back(message->share_memfd());
  ++relay.messages;
  relay.channel->send(send_of(*message, relay.sent), std::move(descriptors));
  relay.timer->start(limits_.send);
}

void RelayDesk::on_message(RelayId id, const Connected& message) {
  Relay& relay = *relays_.at(id);
  if (relay.connected) return misbehaved(id, "it is connected already");
  relay.connected = true;
  const bool has_address = message.address.port != 0;
  relay.peer = {message.host, has_address ? message.address.text() : std::string{}, relay.plan.protocol,
                message.dsn};
  relay.address = message.address;
  note_attempts(relay, message);
  if (results_ != nullptr && relay.errand->wanted.route.way == routing::Way::mx)
    results_->connected(relay.errand->wanted.route.domain, relay.plan, message);
  if (relay.forgotten) return rest(relay);
  send_next(relay);
}

// What has no session to give is tried after the host that had one.
void RelayDesk::note_attempts(const Relay& relay, const Connected& message) {
  for (const HopAttempt& attempt : message.attempts) {
    const bool is_dead = attempt.failure == RelayFailure::unreachable ||
                         attempt.failure == RelayFailure::cut || attempt.failure == RelayFailure::greeting;
    if (is_dead && attempt.address != message.address && relay.can_avoid(attempt.address))
      routes_.was_tried(relay.errand->wanted, 0, attempt.address, Setback::of_host);
  }
}

void RelayDesk::note_results(const Relay& relay, const TargetResults& results) {
  if (!relay.can_avoid(relay.address)) return;
  const Errand& errand = *relay.errand;
  if (std::ranges::any_of(results, [](const TargetResult& result) { return is_final(result.fate); }))
    routes_.has_taken(errand.wanted, errand.visit.id, relay.address);
  else
    routes_.was_tried(errand.wanted, errand.visit.id, relay.address, setback_of(results));
}

void RelayDesk::on_message(RelayId id, const NotConnected& message) {
  Relay& relay = *relays_.at(id);
  if (relay.connected) return misbehaved(id, "it is connected already");
  if (results_ != nullptr && relay.errand->wanted.route.way == routing::Way::mx)
    results_->not_connected(relay.errand->wanted.route.domain, relay.plan, message);
  not_connected(relay, queued::not_connected(message, relay.errand->wanted.tls, microseconds_now()));
}

void RelayDesk::not_connected(Relay& relay, const TargetResult& result) {
  const Errand errand = std::move(*relay.errand);
  const bool forgotten = relay.forgotten;
  close(relay.id);
  if (forgotten) return giver_.failed(errand.visit.destination, result.answer);
  // A host that had a session is neither this system nor without the TLS that is asked for.
  if (result.fate != Fate::refused || !errand.put_off.empty()) return give_back(errand, result.answer);
  giver_.refused(errand.visit, results_for(errand.targets, result));
}

void RelayDesk::on_message(RelayId id, const Sent& message) {
  Relay& relay = *relays_.at(id);
  if (!relay.errand || relay.sent.empty()) return misbehaved(id, "an answer to no message");
  auto results = results_of(message, relay.errand->visit.id, relay.sent, relay.peer, microseconds_now());
  if (!results) return misbehaved(id, "an answer about something else");
  if (relay.messages > 1 && !relay.forgotten && !stopping_ && is_turned_away(*results)) {
    Errand errand{relay.errand->visit, relay.errand->wanted, relay.unanswered(), relay.errand->put_off};
    close(id);
    return begin(std::move(errand));
  }
  note_results(relay, *results);
  if (goes_elsewhere(relay, *results)) return go_elsewhere(relay, *results, message.reusable);
  tell(relay.destination, *results);
  results_came(relay, std::move(*results), message.reusable);
}

bool RelayDesk::goes_elsewhere(const Relay& relay, const TargetResults& results) const {
  if (relay.forgotten || stopping_ || !may_go_elsewhere(results)) return false;
  if (!relay.can_avoid(relay.address)) return false;  // a Unix socket, or an address that it was not given
  std::vector<PutOff> put_off = relay.errand->put_off;
  put_off.push_back({relay.address, {}});
  return put_off.size() < kMaxHosts && !without(relay.plan.hops, put_off).empty();
}

// Whom it has refused for good is told so; all others it has put off, or nothing has been said of them.
void RelayDesk::go_elsewhere(Relay& relay, const TargetResults& results, bool reusable) {
  Errand errand{relay.errand->visit, relay.errand->wanted, {}, relay.errand->put_off};
  TargetResults refused;
  for (const TargetResult& result : results) {
    if (result.fate == Fate::refused) {
      refused.push_back(result);
      continue;
    }
    if (errand.targets.empty()) errand.put_off.push_back({relay.address, result.answer});
    errand.targets.push_back(result.answer.target);
  }
  relay.answered += relay.sent.size();
  const std::vector<std::uint32_t> unanswered = relay.unanswered();
  errand.targets.insert(errand.targets.end(), unanswered.begin(), unanswered.end());
  log::write("relay-next-host", {{"relay", log::Id{relay.id}},
                                 {"queue", queue::id_text(errand.visit.id)},
                                 {"host", relay.peer.host},
                                 {"peer", relay.peer.address},
                                 {"reply", queue::answer_text(errand.put_off.back().answer)}});
  keep_or_close(relay, reusable);
  if (!refused.empty()) giver_.sent(errand.visit, std::move(refused), Giver::Rest::more);
  if (messages_.find(errand.visit.id) != nullptr) begin(std::move(errand));
}

void RelayDesk::results_came(Relay& relay, TargetResults results, bool reusable) {
  relay.answered += relay.sent.size();
  relay.sent.clear();
  const bool more = relay.answered < relay.errand->targets.size();
  const Schedule::Given visit = relay.errand->visit;
  const bool forgotten = relay.forgotten;
  if (stopping_) {
    close(relay.id);
    return giver_.sent(visit, std::move(results), more ? Giver::Rest::more : Giver::Rest::none);
  }
  // What is left of the errand goes over another connection when this one takes no more.
  std::optional<Errand> left;
  if (more && !reusable && !forgotten)
    left = Errand{visit, relay.errand->wanted, relay.unanswered(), relay.errand->put_off};
  if (more && reusable && !forgotten)
    send_next(relay);
  else
    keep_or_close(relay, reusable);
  if (!forgotten) giver_.sent(visit, std::move(results), more ? Giver::Rest::more : Giver::Rest::none);
  if (left && messages_.find(visit.id) != nullptr) begin(std::move(*left));
}

void RelayDesk::keep_or_close(Relay& relay, bool reusable) {
  if (reusable && relay.messages < kMaxMessages) return rest(relay);
  close(relay.id);
}

// Kept for more to the same destination.
void RelayDesk::rest(Relay& relay) {
  if (relay.generation != generation_) return close(relay.id);
  relay.errand.reset();
  relay.sent.clear();
  relay.answered = 0;
  idle_.push_back(relay.id);
  relay.timer->start(limits_.idle);
}

// Its end, or no answer.  A process that was kept may go at any time.
void RelayDesk::cut(RelayId id, const char* reason) {
  if (stopping_) return close(id);
  Relay& relay = *relays_.at(id);
  std::erase(idle_, id);
  if (!relay.errand) return close(id);
  const Errand errand = *relay.errand;
  const bool forgotten = relay.forgotten, connected = relay.connected;
  const std::vector<std::uint32_t> unanswered = relay.unanswered();
  const RelayPeer peer = relay.peer;
  log::write("relay-cut",
             {{"relay", log::Id{id}}, {"queue", queue::id_text(errand.visit.id)}, {"reason", reason}});
  TargetResults results = cut_off(unanswered, peer, microseconds_now());
  note_results(relay, results);
  close(id);
  const queue::TargetAnswer answer = results.front().answer;
  if (!connected && !forgotten) return give_back(errand, answer);
  if (!forgotten) giver_.sent(errand.visit, std::move(results), Giver::Rest::none);
  giver_.failed(errand.visit.destination, answer);
}

void RelayDesk::misbehaved(RelayId id, const char* reason) {
  log::write("peer-misbehaved", {{"session", log::Id{id}}, {"channel", "queued-relay"}, {"reason", reason}});
  cut(id, reason);
}

void RelayDesk::close(RelayId id) { relays_.erase(id); }

void RelayDesk::forget(const Schedule::Given& visit) {
  planning_.erase(visit);
  for (const auto& [id, relay] : relays_)
    if (relay->errand && relay->errand->visit == visit) relay->forgotten = true;
}

}  // namespace mailroom::queued
