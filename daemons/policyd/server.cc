#include "daemons/policyd/server.h"

#include <vector>

#include "daemons/base/channel_end.h"
#include "daemons/base/listener_service.h"
#include "daemons/log.h"
#include "daemons/state_failure.h"
#include "libcommon/ipc/overloaded.h"
#include "libcommon/text/idna.h"

namespace mailroom::policyd {
namespace {

// Above this part of the map, an operator should give it more.
constexpr double kAlmostFull = 0.7;

}  // namespace

Server::Server(const Host& host, Times times)
    : host_{host}, times_{times}, tools_{host.loop, host.take_descriptor("tools"),
                                         [this](ToolId tool, ToolToPolicyd&& request) {
                                           accounts_->on_request(tool, std::move(request));
                                         }},
      dns_{host.loop, host.config.dnsd.timeout}, web_{host.loop, dns_, host.config.routing.allow_network} {}

Server::~Server() = default;

void Server::before_jail() { prepare_idna(); }

void Server::start() {
  directory_.emplace(state::Directory::open(".", host_.config.policyd.state_map_size));
  if (directory_->fullness() > kAlmostFull)
    log::write("state-failed", {{"reason", "the shared state is almost full: raise policyd.state-map-size"}});
  Peers& peers = *this;
  grants_.emplace(
      host_.loop, *directory_, host_.config,
      [this](const IpNetwork& network) { mail_->grant_revoked(network); }, times_.system_clock);
  limits_.emplace(host_.config.limits);
  limit_keeper_.emplace(host_.loop, *directory_, *limits_, times_.system_clock);
  judge_.emplace(*directory_, host_.config, *grants_, *limits_);
  logins_ = std::make_unique<LoginDesk>(
      host_.loop, peers, *directory_, *grants_, [this](ConnectionId connection) { mail_->close(connection); },
      times_.verdict);
  mail_ =
      std::make_unique<MailDesk>(host_.loop, peers, *judge_, *limits_, names_, *logins_, times_.authorise);
  access_.emplace(*directory_, *grants_, *limit_keeper_, names_, *judge_);
  devices_.emplace(
      host_.loop, *directory_, [this](const std::string& device) { mail_->device_changed(device); },
      times_.system_clock);
  devices_->report_reviews();
  suspensions_.emplace(
      host_.loop, *directory_, host_.config, *devices_, [this]() -> const Site& { return judge_->site(); },
      [this](const std::string& to, std::string notice, std::function<void(SuspensionDesk::Sent)> then) {
        send_notice(to, std::move(notice), std::move(then));
      },
      times_.system_clock);
  accounts_ = std::make_unique<AccountDesk>(
      peers, *directory_, host_.config, *logins_, *grants_, *access_, *devices_,
      [this](ToolId tool, const PolicydToTool& answer) { tools_.answer(tool, answer); });
  accounts_->resume_errands();
  set_up_transport();
}

// What concerns mail to other hosts.
void Server::set_up_transport() {
  sts_.emplace(
      host_.loop, *directory_,
      [this](const std::string& domain, WebDesk::OnPolicy then) {
        web_.fetch_policy(domain, std::move(then));
      },
      times_.system_clock,
      [this](const std::string& domain, const StsTrouble& trouble) {
        tls_reports_->count_trouble(domain, trouble);
      });
  questions_.emplace(
      host_.loop, *directory_, [this]() -> const Site& { return judge_->site(); }, *sts_,
      [this](const TlsOutcomes& outcomes) { tls_reports_->count(outcomes); },
      [this](const ReportRefused& refusal) { return suspensions_->refused(refusal); });
  tls_reports_.emplace(
      host_.loop, *directory_, host_.config, *sts_,
      [this](const std::string& name, ReportDesk::OnTexts then) {
        dns_.look_up(dns::Type::txt, name, std::move(then));
      },
      [this](const std::string& to, std::string message, std::function<void(bool)> then) {
        // From nobody, so that a report that cannot be delivered makes no further mail.
        own_mail_.send({}, questions_->resolve({0, to}).recipient, std::move(message),
                       [then = std::move(then)](QueueId id) { then(id != 0); });
      },
      [this](const tlsrpt::WebTarget& target, std::string report, WebDesk::OnPosted then) {
        web_.post_report(target, std::move(report), std::move(then));
      },
      times_.system_clock);
}

// From nobody, as all reports: the postmaster hears of one that cannot be delivered.
void Server::send_notice(const std::string& to, std::string notice,
                         std::function<void(SuspensionDesk::Sent)> then) {
  using Sent = SuspensionDesk::Sent;
  AddressResolved found = questions_->resolve({0, to});
  if (found.unavailable) return then(Sent::not_now);
  if (found.recipient.accounts.empty() && found.recipient.domain.empty()) return then(Sent::nobody);
  own_mail_.send({}, std::move(found.recipient), std::move(notice),
                 [then = std::move(then)](QueueId id) { then(id == 0 ? Sent::not_now : Sent::yes); });
}

void Server::reconfigured() {
  dns_.set_timeout(host_.config.dnsd.timeout);
  grants_->reconfigured(host_.config);
  limits_->set_rows(host_.config.limits);
  judge_->reconfigured(host_.config);
  accounts_->reconfigured(host_.config);
}

void Server::drain() {
  try {
    grants_->note_time();
  } catch (const std::exception& error) {
    on_state_failure(error);
  }
  limit_keeper_->write();
  host_.loop.stop();
}

void Server::on_supervisor(const AccountDirectoriesMade& message) { accounts_->directories_made(message); }

// ---- channels

void Server::attach(const std::string& kind, const std::string& peer, LeasedFd fd) {
  if (const auto service = service_of_asker(kind)) return attach_listener(*service, peer, std::move(fd));
  if (kind == "authd-policyd") return attach_authd(std::move(fd));
  if (kind == "policyd-queued") return attach_queued(std::move(fd));
  if (kind == "queued-policyd") return questions_->attach(peer, std::move(fd));
  if (kind == "policyd-stsd") return web_.attach(peer, std::move(fd));
  if (kind == "policyd-dnsd") return dns_.attach(kind, peer, std::move(fd));
  log::fatal("a channel of a kind that policyd does not have");
}

void Server::attach_listener(Service service, const std::string& peer, LeasedFd fd) {
  const ListenerKey key = ++last_listener_;
  const std::size_t descriptors = is_smtp(service) ? 1 : 0;
  auto channel = std::make_unique<ListenerChannel>(
      host_.loop, std::move(fd), descriptors,
      [this, key](ListenerToPolicyd&& message, std::vector<Fd>&& with) {
        on_listener(key, std::move(message), std::move(with));
      },
      [this, key](event::ChannelEnd why) {
        log_channel_end("listener", listeners_.at(key).peer, why);
        listener_gone(key);
      });
  listeners_.emplace(key, Listener{service, peer, std::move(channel)});
}

void Server::attach_authd(LeasedFd fd) {
  authd_ = std::make_unique<AuthdChannel>(
      host_.loop, std::move(fd), 0,
      [this](AuthdToPolicyd&& message, std::vector<Fd>&&) {
        std::visit(Overloaded{[this](const NameProved& proved) { logins_->name_proved(proved); },
                              [this](const SecretChanged& changed) { logins_->secret_changed(changed); }},
                   message);
      },
      [this](event::ChannelEnd why) {
        log_channel_end("authd-policyd", "authd", why);
        authd_.reset();
      });
}

void Server::attach_queued(LeasedFd fd) {
  if (queued_) queued_gone();
  queued_ = std::make_unique<QueuedChannel>(
      host_.loop, std::move(fd), 0,
      [this](QueuedToPolicyd&& message, std::vector<Fd>&&) {
        std::visit(Overloaded{[this](const Authorised& m) { mail_->authorised(m); },
                              [this](const Submitted& m) { own_mail_.submitted(m); }},
                   message);
      },
      [this](event::ChannelEnd why) {
        log_channel_end("policyd-queued", "queued", why);
        queued_.reset();
        queued_gone();
      });
}

// ---- listeners

void Server::on_listener(ListenerKey key, ListenerToPolicyd&& message, std::vector<Fd>&& descriptors) {
  const char* reason =
      std::visit(Overloaded{[&](const ConnectionOpened& m) { return opened(key, m, std::move(descriptors)); },
                            [&](const ConnectionClosed& m) { return closed(key, m); },
                            [&](const VerdictTaken& m) { return taken(key, m); }},
                 message);
  if (reason == nullptr) return;
  log::write("peer-misbehaved",
             {{"channel", "listener"}, {"peer", listeners_.at(key).peer}, {"reason", reason}});
  listener_gone(key);
}

const char* Server::opened(ListenerKey key, const ConnectionOpened& message, std::vector<Fd>&& descriptors) {
  if (message.service != listeners_.at(key).service) return "a connection of another service";
  if (descriptors.size() != (is_smtp(message.service) ? 1U : 0U)) return "a connection without its channel";
  if (connections_.contains(message.connection)) return "a connection that is there already";
  if (connections_.size() >= kMaxConnections) return nullptr;  // its channel closes: 421
  const Connection& connection =
      connections_
          .emplace(message.connection, Connection{message.connection, message.service, message.peer, key})
          .first->second;
  if (is_smtp(message.service)) mail_->open(connection, std::move(descriptors.front()));
  return nullptr;
}

const char* Server::closed(ListenerKey key, const ConnectionClosed& message) {
  const auto found = connections_.find(message.connection);
  if (found == connections_.end()) return nullptr;  // it was turned away
  if (found->second.listener != key) return "the end of another listener's connection";
  forget(message.connection);
  return nullptr;
}

const char* Server::taken(ListenerKey key, const VerdictTaken& message) {
  const auto found = connections_.find(message.connection);
  if (found == connections_.end() || found->second.listener != key)
    return "a verdict taken for no connection of its own";
  return logins_->verdict_taken(message.connection) ? nullptr : "a verdict taken that was not given";
}

void Server::forget(ConnectionId connection) {
  mail_->close(connection);
  logins_->forget(connection);
  connections_.erase(connection);
}

void Server::listener_gone(ListenerKey key) {
  std::vector<ConnectionId> its;
  for (const auto& [id, connection] : connections_)
    if (connection.listener == key) its.push_back(id);
  for (const ConnectionId id : its) forget(id);
  listeners_.erase(key);
}

// ---- Peers

const Connection* Server::find(ConnectionId id) {
  if (const auto found = connections_.find(id); found != connections_.end()) return &found->second;
  // The listener told us before the client could begin, but its message may still wait in the channel.
  std::vector<ListenerKey> keys;
  for (const auto& [key, listener] : listeners_) keys.push_back(key);
  for (const ListenerKey key : keys)
    if (const auto listener = listeners_.find(key); listener != listeners_.end())
      listener->second.channel->drain();
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

void Server::tell_authd(const PolicydToAuthd& message) {
  if (authd_) authd_->send(message);
}

void Server::tell_listener(ListenerKey listener, const PolicydToListener& message) {
  if (const auto found = listeners_.find(listener); found != listeners_.end())
    found->second.channel->send(message);
}

void Server::tell_session_listeners(const EndSessions& message) {
  for (auto& [key, listener] : listeners_)
    if (!is_smtp(listener.service)) listener.channel->send(message);
}

void Server::queued_gone() {
  mail_->queued_gone();
  own_mail_.queued_gone();
}

bool Server::tell_queued(const PolicydToQueued& message) {
  if (queued_) queued_->send(message);
  return queued_ != nullptr;
}

}  // namespace mailroom::policyd
