#include "daemons/kdcd/server.h"

#include <utility>

#include "daemons/base/channel_end.h"
#include "daemons/krbd/configuration_file.h"
#include "daemons/log.h"
#include "libcommon/kerberos/set_up.h"
#include "libcommon/tls/digest.h"

namespace mailroom::kdcd {
namespace {

std::string service_of(const Config& config) {
  if (!config.kerberos.login_service.empty()) return config.kerberos.login_service;
  return "imap/" + config.hostname + "@" + config.kerberos.realm;
}

KdcdToAuthd ask_kdc(RequestTicket& request, const std::string& service) {
  auto ticket = kerberos::request_ticket(request.principal, request.password.c_str(), service);
  cleanse(request.password.data(), request.password.size());
  if (ticket) return TicketObtained{request.request, std::move(*ticket)};
  return KdcRefused{request.request, ticket.error().fault, std::move(ticket.error().detail)};
}

}  // namespace

Server::Server(const Host& host) : host_{host}, service_{service_of(host.config)} {}

void Server::before_jail() {
  write_kerberos_configuration(kRootFd, host_.config.kerberos);
  kerberos::set_up();
}

void Server::start() { pool_.emplace(host_.loop, host_.config.kerberos.logins); }

void Server::attach(const std::string&, const std::string&, LeasedFd fd) {
  authd_ = std::make_shared<Channel>(
      host_.loop, std::move(fd), 0,
      [this](AuthdToKdcd&& message, std::vector<Fd>&&) {
        on_request(std::get<RequestTicket>(std::move(message)));
      },
      [this](event::ChannelEnd why) {
        log_channel_end("authd-kdcd", "authd", why);
        authd_.reset();
      });
}

// Each request has a thread for as long as the KDCs take; authd gives no more than there are threads.
void Server::on_request(RequestTicket&& request) {
  auto answer = std::make_shared<KdcdToAuthd>();
  pool_->submit(
      [answer, request = std::move(request), this]() mutable { *answer = ask_kdc(request, service_); },
      [answer, channel = std::weak_ptr<Channel>{authd_}] {
        if (const auto authd = channel.lock()) authd->send(*answer);
      });
}

}  // namespace mailroom::kdcd
