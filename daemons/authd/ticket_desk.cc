#include "daemons/authd/ticket_desk.h"

#include <utility>

#include "daemons/base/channel_end.h"
#include "daemons/log.h"
#include "libcommon/ipc/overloaded.h"

namespace mailroom::authd {
namespace {

// krbd answers at once; what takes longer is lost.
constexpr std::chrono::seconds kKrbdPatience{10};
// Passwords that wait for a thread of kdcd, for each that has one.
constexpr unsigned kWaitingForEach = 4;

LoginRefusal refusal_of(kerberos::TicketFault fault) {
  return fault == kerberos::TicketFault::malformed ? LoginRefusal::malformed : LoginRefusal::bad_credentials;
}

// Of a ticket that a KDC has just given for a password: when its times are wrong, a clock is, and the
// password may be right.
LoginRefusal refusal_for_password(kerberos::TicketFault fault) {
  return fault == kerberos::TicketFault::expired ? LoginRefusal::unavailable : LoginRefusal::bad_credentials;
}

LoginRefusal refusal_of(kerberos::KdcFault fault) {
  switch (fault) {
  case kerberos::KdcFault::wrong_password:
    return LoginRefusal::bad_credentials;
  case kerberos::KdcFault::expired:
    return LoginRefusal::expired;
  case kerberos::KdcFault::locked:
    return LoginRefusal::disabled;
  case kerberos::KdcFault::skew:
  case kerberos::KdcFault::unreachable:
  case kerberos::KdcFault::refused:
    return LoginRefusal::unavailable;
  }
  return LoginRefusal::unavailable;
}

}  // namespace

// ---- channels

void TicketDesk::attach_krbd(LeasedFd fd) {
  end_all(With::krbd);
  krbd_ = std::make_unique<KrbdChannel>(
      loop_, std::move(fd), 0,
      [this](KrbdToAuthd&& message, std::vector<Fd>&&) { on_krbd(std::move(message)); },
      [this](event::ChannelEnd why) {
        log_channel_end("authd-krbd", "krbd", why);
        krbd_.reset();
        end_all(With::krbd);
      });
}

void TicketDesk::attach_kdcd(LeasedFd fd) {
  end_all(With::kdcd);
  kdcd_ = std::make_unique<KdcdChannel>(
      loop_, std::move(fd), 0,
      [this](KdcdToAuthd&& message, std::vector<Fd>&&) { on_kdcd(std::move(message)); },
      [this](event::ChannelEnd why) {
        log_channel_end("authd-kdcd", "kdcd", why);
        kdcd_.reset();
        end_all(With::kdcd);
      });
}

void TicketDesk::end_all(With with) {
  std::vector<TicketId> ended;
  for (const auto& [ticket, each] : open_)
    if (each.with == with) ended.push_back(ticket);
  for (const TicketId ticket : ended)
    end(ticket, Refused{LoginRefusal::unavailable, "the server has gone", {}});
}

// ---- questions

TicketId TicketDesk::open(OnStep on_step, With with, std::string principal) {
  const TicketId ticket = ++last_;
  auto late = std::make_unique<event::Timer>(loop_, [this, ticket] {
    end(ticket, Refused{LoginRefusal::unavailable, "no answer in time", {}});
  });
  late->start(patience_with(with));
  with_kdcd_ += with == With::kdcd ? 1 : 0;
  open_.emplace(ticket, Open{std::move(on_step), with, std::move(principal), std::move(late)});
  return ticket;
}

bool TicketDesk::may_ask(With with) const {
  if (with == With::krbd) return krbd_ != nullptr;
  return kdcd_ != nullptr && with_kdcd_ < config_.kerberos.logins * (1 + kWaitingForEach);
}

// None when there is nobody to ask: the refusal comes from the loop, as every answer does.
std::chrono::milliseconds TicketDesk::patience_with(With with) const {
  if (!may_ask(with)) return std::chrono::milliseconds{0};
  return with == With::krbd ? std::chrono::milliseconds{kKrbdPatience}
                            : std::chrono::milliseconds{config_.kerberos.timeout};
}

TicketId TicketDesk::start_gssapi(Service service, std::string bindings, std::string token, OnStep on_step) {
  const TicketId ticket = open(std::move(on_step), With::krbd, {});
  if (krbd_) krbd_->send(StartGssapi{ticket, service, std::move(bindings), std::move(token)});
  return ticket;
}

TicketId TicketDesk::check_request(Service service, std::string ap_req, OnStep on_step) {
  const TicketId ticket = open(std::move(on_step), With::krbd, {});
  if (krbd_) krbd_->send(CheckRequest{ticket, false, service, std::move(ap_req)});
  return ticket;
}

TicketId TicketDesk::check_password(const std::string& principal, const Secret& password, OnStep on_step) {
  const bool ask = may_ask(With::kdcd);
  const TicketId ticket = open(std::move(on_step), With::kdcd, principal);
  if (!ask) return ticket;
  RequestTicket request{ticket, principal, password.c_str()};
  kdcd_->send(request);
  wipe(request.password);
  return ticket;
}

void TicketDesk::respond(TicketId ticket, std::string token) {
  if (krbd_ && open_.contains(ticket)) krbd_->send(RespondGssapi{ticket, std::move(token)});
}

void TicketDesk::drop(TicketId ticket) {
  const auto found = open_.find(ticket);
  if (found == open_.end()) return;
  if (found->second.with == With::krbd && krbd_) krbd_->send(DropTicket{ticket});
  if (found->second.with == With::kdcd) --with_kdcd_;
  open_.erase(found);
}

// ---- answers

void TicketDesk::end(TicketId ticket, Step step) {
  auto found = open_.extract(ticket);
  if (!found) return;
  if (found.mapped().with == With::kdcd) --with_kdcd_;
  found.mapped().on_step(std::move(step));
}

void TicketDesk::on_krbd(KrbdToAuthd&& message) {
  std::visit(Overloaded{
                 [this](TicketChallenge& m) {
                   const auto found = open_.find(m.ticket);
                   if (found == open_.end() || found->second.with != With::krbd) return;
                   found->second.late->start(kKrbdPatience);
                   found->second.on_step(Challenge{std::move(m.token)});
                 },
                 [this](TicketProved& m) {
                   const auto found = open_.find(m.ticket);
                   if (found == open_.end()) return;
                   if (!found->second.principal.empty()) return password_proved(m.ticket, m);
                   end(m.ticket, Proved{std::move(m.principal), std::move(m.authzid), std::move(m.token)});
                 },
                 [this](TicketRefused& m) {
                   const auto found = open_.find(m.ticket);
                   if (found == open_.end()) return;
                   const bool ticket_is_clients = found->second.principal.empty();
                   end(m.ticket,
                       Refused{ticket_is_clients ? refusal_of(m.fault) : refusal_for_password(m.fault),
                               std::move(m.detail), std::move(m.token)});
                 },
             },
             message);
}

void TicketDesk::on_kdcd(KdcdToAuthd&& message) {
  if (auto* refused = std::get_if<KdcRefused>(&message))
    return end(refused->request, Refused{refusal_of(refused->fault), std::move(refused->detail), {}});
  auto& obtained = std::get<TicketObtained>(message);
  const auto found = open_.find(obtained.request);
  if (found == open_.end() || found->second.with != With::kdcd) return;
  if (!krbd_) return end(obtained.request, Refused{LoginRefusal::unavailable, "krbd is not there", {}});
  krbd_->send(CheckRequest{obtained.request, true, Service::imap, std::move(obtained.ap_req)});
}

// The ticket is good; it must be that person's.  (A KDC may write a principal otherwise than it was asked
// for.)
void TicketDesk::password_proved(TicketId ticket, const TicketProved& message) {
  if (message.principal != open_.at(ticket).principal)
    return end(ticket, Refused{LoginRefusal::bad_credentials, "a ticket of " + message.principal, {}});
  end(ticket, Proved{message.principal, {}, {}});
}

}  // namespace mailroom::authd
