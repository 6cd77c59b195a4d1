// authd has kdcd turn a password into a ticket for one of our services, which krbd then verifies.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>

#include "libcommon/kerberos/initial_login.h"

namespace mailroom {

// authd -> kdcd
struct RequestTicket {
  std::uint64_t request = 0;
  std::string principal;
  std::string password;
  static auto fields(auto& m) { return std::tie(m.request, m.principal, m.password); }
};
using AuthdToKdcd = std::variant<RequestTicket>;

// kdcd -> authd
struct TicketObtained {
  std::uint64_t request = 0;
  std::string ap_req;
  static auto fields(auto& m) { return std::tie(m.request, m.ap_req); }
};
struct KdcRefused {
  std::uint64_t request = 0;
  kerberos::KdcFault fault = kerberos::KdcFault::refused;
  std::string detail;
  static auto fields(auto& m) { return std::tie(m.request, m.fault, m.detail); }
};
using KdcdToAuthd = std::variant<TicketObtained, KdcRefused>;

}  // namespace mailroom
