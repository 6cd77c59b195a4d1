#include "daemons/authd/server.h"

#include "daemons/authd/password_hash.h"
#include "daemons/base/channel_end.h"
#include "daemons/base/listener_service.h"
#include "daemons/log.h"
#include "libcommon/ipc/overloaded.h"
#include "libcommon/sys/random.h"
#include "libcommon/text/saslprep.h"

namespace mailroom::authd {
namespace {

// A hash of nothing that anybody knows.
std::string make_stand_in(std::uint32_t cost) {
  char unknown[32];
  fill_random(unknown, sizeof unknown);
  for (char& octet : unknown)
    if (octet == '\0') octet = 'x';
  const auto hash = make_hash(Secret{{unknown, sizeof unknown}}, cost);
  if (!hash) log::fatal("libcrypt refuses authd.yescrypt-cost");
  return *hash;
}

}  // namespace

Server::Server(const Host& host)
    : host_{host}, tools_{host.loop, host.take_descriptor("tools"),
                          [this](ToolId tool, ToolToAuthd&& request) {
                            std::visit([&](auto& m) { on_tool(tool, std::move(m)); }, request);
                          }} {}

Server::~Server() = default;

void Server::before_jail() { prepare_saslprep(); }

void Server::start() {
  const AuthdConfig& config = host_.config.authd;
  store_.emplace(SecretStore::open(".", [&] { return make_stand_in(config.yescrypt_cost); }));
  pool_ = std::make_unique<event::ThreadPool>(host_.loop, config.hash_threads);
  const auto tell = [this](const AuthdToPolicyd& message) { return tell_policyd(message); };
  tickets_ = std::make_unique<TicketDesk>(host_.loop, host_.config);
  certificates_ = std::make_unique<CertificateDesk>(host_.loop, host_.config);
  logins_ =
      std::make_unique<LoginDesk>(host_.loop, host_.config, *store_, *pool_, *tickets_, *certificates_, tell);
  secrets_ = std::make_unique<SecretDesk>(
      host_.config, *store_, *pool_, tell,
      [this](ToolId tool, const AuthdToTool& answer) { tools_.answer(tool, answer); });
  credentials_ = std::make_unique<CredentialDesk>(host_.loop, host_.config, *store_);
}

void Server::on_tool(ToolId tool, SecretRequest&& request) { secrets_->on_request(tool, std::move(request)); }

void Server::on_tool(ToolId tool, CredentialRequest&& request) {
  tools_.answer(tool, credentials_->answer(std::move(request)));
}

// ---- channels

void Server::attach(const std::string& kind, const std::string& peer, LeasedFd fd) {
  if (kind == "authd-policyd") return attach_policyd(std::move(fd));
  if (kind == "relayd-authd") return credentials_->attach_relayd(std::move(fd));
  if (kind == "authd-krbd") return tickets_->attach_krbd(std::move(fd));
  if (kind == "authd-kdcd") return tickets_->attach_kdcd(std::move(fd));
  if (kind == "authd-keyd") return certificates_->attach_keyd(std::move(fd));
  if (kind == "authd-certd") return certificates_->attach_certd(std::move(fd));
  if (const auto service = service_of_asker(kind)) return attach_listener(*service, peer, std::move(fd));
  log::fatal("a channel of a kind that authd does not have");
}

void Server::attach_policyd(LeasedFd fd) {
  if (policyd_) logins_->policyd_gone();
  policyd_ = std::make_unique<PolicydChannel>(
      host_.loop, std::move(fd), 0,
      [this](PolicydToAuthd&& message, std::vector<Fd>&&) {
        std::visit(Overloaded{[this](const Admitted& m) { logins_->admitted(m); },
                              [this](const NotAdmitted& m) { logins_->not_admitted(m); }},
                   message);
      },
      [this](event::ChannelEnd why) {
        log_channel_end("authd-policyd", "policyd", why);
        policyd_.reset();
        logins_->policyd_gone();
      });
  secrets_->policyd_came();
}

void Server::attach_listener(Service service, const std::string& peer, LeasedFd fd) {
  const ListenerKey key = ++last_listener_;
  auto channel = std::make_unique<ListenerChannel>(
      host_.loop, std::move(fd), 1,
      [this, key](ListenerToAuthd&& message, std::vector<Fd>&& with) {
        on_listener(key, message, std::move(with));
      },
      [this, key](event::ChannelEnd why) {
        log_channel_end("listener", listeners_.at(key).peer, why);
        listener_gone(key);
      });
  listeners_.emplace(key, Listener{service, peer, std::move(channel)});
}

bool Server::tell_policyd(const AuthdToPolicyd& message) {
  if (policyd_) policyd_->send(message);
  return policyd_ != nullptr;
}

// ---- listeners

void Server::on_listener(ListenerKey key, const ListenerToAuthd& message, std::vector<Fd>&& descriptors) {
  const char* reason =
      std::visit(Overloaded{[&](const ConnectionOpened& m) { return opened(key, m, std::move(descriptors)); },
                            [&](const ConnectionClosed& m) { return closed(key, m); }},
                 message);
  if (reason == nullptr) return;
  log::write("peer-misbehaved",
             {{"channel", "listener"}, {"peer", listeners_.at(key).peer}, {"reason", reason}});
  listener_gone(key);
}

const char* Server::opened(ListenerKey key, const ConnectionOpened& message, std::vector<Fd>&& descriptors) {
  if (descriptors.size() != 1) return "a connection without its channel";
  if (message.service != listeners_.at(key).service) return "a connection of another service";
  if (connections_.contains(message.connection)) return "a connection that is there already";
  if (connections_.size() >= kMaxConnections) forget_ended();
  if (connections_.size() >= kMaxConnections) return nullptr;  // its channel closes: unavailable
  connections_.emplace(message.connection, key);
  logins_->open(message, std::move(descriptors.front()));
  return nullptr;
}

const char* Server::closed(ListenerKey key, const ConnectionClosed& message) {
  const auto found = connections_.find(message.connection);
  if (found == connections_.end()) return nullptr;  // it was turned away
  if (found->second != key) return "the end of another listener's connection";
  logins_->close(message.connection);
  connections_.erase(found);
  return nullptr;
}

// A connection's own channel tells its end; no listener needs to say it.
void Server::forget_ended() {
  std::erase_if(connections_, [&](const auto& entry) { return !logins_->is_open(entry.first); });
}

void Server::listener_gone(ListenerKey key) {
  std::erase_if(connections_, [&](const auto& entry) {
    if (entry.second == key) logins_->close(entry.first);
    return entry.second == key;
  });
  listeners_.erase(key);
}

}  // namespace mailroom::authd
