// A connection as the login desk has it.  Included by the login desk's own sources (login_*.cc) alone.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemons/authd/login_desk.h"
#include "daemons/authd/scram_exchange.h"

namespace mailroom::authd {

struct LoginDesk::Client {
  enum class Phase : std::uint8_t { idle, exchanging, checking, proving, refusing, succeeded };

  ConnectionId id = 0;
  IpAddress peer;
  Service service = Service::mx;
  std::unique_ptr<Channel> channel;
  std::unique_ptr<event::Timer> timer;
  Exchange exchange;
  bool by_ticket = false;                  // the exchange is krbd's
  tls::ChannelBindings bindings;           // for its first message
  std::optional<ScramExchange> scram;      // the exchange is this one
  bool by_certificate = false;             // the exchange is certd's
  std::string handshake;                   // for its only message
  CheckId check = 0;                       // of keyd or certd, while one of them has it; 0: none
  std::optional<TicketDesk::Proved> kpop;  // a ticket that waits for USER
  std::string refusal_token;               // for the client of the one that is refused
  TicketId ticket = 0;                     // of krbd or kdcd, while one of them has it; 0: none
  Phase phase = Client::Phase::idle;
  unsigned exchanges = 0;
  unsigned attempts = 0;
  std::string mechanism;
  std::string name;  // of the attempt: as typed, and once it is proved the account's
  std::string hash;  // that the proof was against
  bool password_expired = false;
  std::optional<std::uint32_t> password_days;  // until it does, when that is soon
  Time began;
};

}  // namespace mailroom::authd
