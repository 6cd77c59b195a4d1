// authd has krbd look at Kerberos tickets; krbd alone has the keytab.
//
// authd numbers the exchanges.  Each ends with TicketProved or TicketRefused, or when authd drops it.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>

#include "daemons/channels/types.h"
#include "libcommon/kerberos/acceptor.h"

namespace mailroom {

using TicketId = std::uint64_t;

// authd -> krbd
struct StartGssapi {  // SASL GSSAPI (RFC 4752)
  TicketId ticket = 0;
  Service service = Service::mx;
  std::string bindings;  // channel bindings of the connection's TLS, with their prefix; empty: none
  std::string token;     // the client's first message
  static auto fields(auto& m) { return std::tie(m.ticket, m.service, m.bindings, m.token); }
};
struct RespondGssapi {
  TicketId ticket = 0;
  std::string token;
  static auto fields(auto& m) { return std::tie(m.ticket, m.token); }
};
struct DropTicket {  // the client has gone, or given up
  TicketId ticket = 0;
  static auto fields(auto& m) { return std::tie(m.ticket); }
};
struct CheckRequest {  // an AP-REQ: of KPOP, or what a KDC gave for a password
  TicketId ticket = 0;
  bool any_service = false;  // of a password: whichever of our services kdcd asked for
  Service service = Service::pop3;
  std::string ap_req;
  static auto fields(auto& m) { return std::tie(m.ticket, m.any_service, m.service, m.ap_req); }
};
using AuthdToKrbd = std::variant<StartGssapi, RespondGssapi, DropTicket, CheckRequest>;

// krbd -> authd
struct TicketChallenge {
  TicketId ticket = 0;
  std::string token;
  static auto fields(auto& m) { return std::tie(m.ticket, m.token); }
};
struct TicketProved {
  TicketId ticket = 0;
  std::string principal;
  std::string authzid;
  std::string token;  // KPOP's AP-REP
  static auto fields(auto& m) { return std::tie(m.ticket, m.principal, m.authzid, m.token); }
};
struct TicketRefused {
  TicketId ticket = 0;
  kerberos::TicketFault fault = kerberos::TicketFault::refused;
  std::string detail;
  std::string token;  // of a CheckRequest: the KRB-ERROR for the client
  static auto fields(auto& m) { return std::tie(m.ticket, m.fault, m.detail, m.token); }
};
using KrbdToAuthd = std::variant<TicketChallenge, TicketProved, TicketRefused>;

}  // namespace mailroom
