// The words that the channels have in common.
//
// Messages carry names and tickets, never authority: no paths, no uids, no "is authenticated" from the less
// trusted side.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "libcommon/sys/ip_address.h"

namespace mailroom {

// Random, made by the listener for each connection; in logs 16 hexadecimal digits ("session=").
using ConnectionId = std::uint64_t;

// From 1, never used twice.  The account's uid is the configured base plus this number.
using AccountId = std::uint32_t;

// Counts the mail transactions of one connection (RFC 5321 3.3), from 1.
using TransactionId = std::uint32_t;

// Names a message in the queue, for good; never used twice.
using QueueId = std::uint64_t;

enum class Service : std::uint8_t {
  mx,          // mail for us, from anybody
  submission,  // from our accounts, after login (RFC 6409)
  pop3,
  imap,
  outgoing,  // from campus networks, after POP-before-SMTP, after login
  relay,     // from devices
  kpop,      // POP3 after a Kerberos ticket
  kLast = kpop
};
inline constexpr unsigned kServiceCount = static_cast<unsigned>(Service::kLast) + 1;

constexpr const char* service_name(Service service) {
  constexpr const char* kNames[] = {"mx", "submission", "pop3", "imap", "outgoing", "relay", "kpop"};
  return kNames[static_cast<unsigned>(service)];
}

// The classes of SMTP listeners: a connection's process is one to its end, and its envelopes are policyd's.
constexpr bool is_smtp(Service service) {
  return service != Service::pop3 && service != Service::imap && service != Service::kpop;
}

constexpr bool takes_logins(Service service) { return service != Service::mx; }

// An SMTP reply (RFC 5321 4.2) with its enhanced status code (RFC 3463), one line of text.
struct Reply {
  std::uint16_t code = 0;
  std::string enhanced;
  std::string text;

  bool accepted() const { return code >= 200 && code < 400; }
  auto operator<=>(const Reply&) const = default;
  static auto fields(auto& m) { return std::tie(m.code, m.enhanced, m.text); }
};

// What a listener tells a server about a new connection.  Beside it goes the server's end of that
// connection's own channel: what arrives there is this connection's, whatever it says.
struct ConnectionOpened {
  ConnectionId connection = 0;
  Service service = Service::mx;
  IpAddress peer;
  static auto fields(auto& m) { return std::tie(m.connection, m.service, m.peer); }
};

struct ConnectionClosed {
  ConnectionId connection = 0;
  static auto fields(auto& m) { return std::tie(m.connection); }
};

}  // namespace mailroom
