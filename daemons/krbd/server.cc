#include "daemons/krbd/server.h"

#include <utility>

#include "daemons/base/channel_end.h"
#include "daemons/krbd/configuration_file.h"
#include "daemons/log.h"
#include "libcommon/ipc/overloaded.h"
#include "libcommon/kerberos/set_up.h"

namespace mailroom::krbd {
namespace {

using kerberos::GssExchange;

std::string_view service_of(Service service) {
  switch (service) {
  case Service::pop3:
  case Service::kpop:
    return kerberos::kPop;
  case Service::imap:
    return kerberos::kImap;
  default:
    return kerberos::kSmtp;
  }
}

}  // namespace

Server::Server(const Host& host) : host_{host} {}

// libkrb5 goes to files that the jail does not have when it is first used, so that is now.
void Server::before_jail() {
  write_kerberos_configuration(kRootFd, host_.config.kerberos);
  kerberos::set_up();
  const Fd file = host_.take_descriptor("keytab");
  if (!file) throw std::runtime_error("there is no keytab");
  keytab_.emplace(file.get());
  for (const std::string& principal : keytab_->principals()) log::write("key-loaded", {{"names", principal}});
}

void Server::attach(const std::string&, const std::string&, LeasedFd fd) {
  exchanges_.clear();
  authd_ = std::make_unique<Channel>(
      host_.loop, std::move(fd), 0,
      [this](AuthdToKrbd&& message, std::vector<Fd>&&) { on_message(std::move(message)); },
      [this](event::ChannelEnd why) {
        log_channel_end("authd-krbd", "authd", why);
        exchanges_.clear();
        authd_.reset();
      });
}

void Server::on_message(AuthdToKrbd&& message) {
  std::visit([this](auto&& m) { handle(std::forward<decltype(m)>(m)); }, std::move(message));
}

void Server::handle(StartGssapi&& message) {
  if (exchanges_.size() >= kMaxExchanges)
    return refuse(message.ticket, {kerberos::TicketFault::refused, "too many"});
  const auto [at, is_new] = exchanges_.try_emplace(message.ticket, *keytab_, service_of(message.service),
                                                   std::move(message.bindings));
  if (!is_new) return misbehaved("an exchange that is there already");
  answer(message.ticket, at->second.respond(message.token));
}

void Server::handle(const RespondGssapi& message) {
  const auto found = exchanges_.find(message.ticket);
  if (found == exchanges_.end()) return misbehaved("an exchange that is not there");
  answer(message.ticket, found->second.respond(message.token));
}

void Server::handle(const CheckRequest& message) {
  const auto proof = keytab_->accept_request(
      message.ap_req, message.any_service ? std::string_view{} : service_of(message.service));
  if (!proof) return refuse(message.ticket, proof.error());
  authd_->send(TicketProved{message.ticket, proof->principal, {}, proof->token});
}

void Server::answer(TicketId ticket, GssExchange::Step&& step) {
  if (auto* challenge = std::get_if<GssExchange::Token>(&step))
    return authd_->send(TicketChallenge{ticket, std::move(challenge->octets)});
  exchanges_.erase(ticket);
  std::visit(Overloaded{[](const GssExchange::Token&) {},
                        [&](const kerberos::Proof& proof) {
                          authd_->send(TicketProved{ticket, proof.principal, proof.authzid, {}});
                        },
                        [&](const kerberos::Refusal& refusal) { refuse(ticket, refusal); }},
             step);
}

void Server::refuse(TicketId ticket, const kerberos::Refusal& refusal) {
  authd_->send(TicketRefused{ticket, refusal.fault, refusal.detail, refusal.token});
}

void Server::misbehaved(const char* reason) {
  log::write("peer-misbehaved", {{"channel", "authd-krbd"}, {"peer", "authd"}, {"reason", reason}});
}

}  // namespace mailroom::krbd
