// Kerberos for the login desk: asks krbd about tickets, and kdcd about passwords, of which krbd then has the
// last word.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "daemons/authd/secret.h"
#include "daemons/channels/authd.h"
#include "daemons/channels/kdcd.h"
#include "daemons/channels/krbd.h"
#include "daemons/config.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom::authd {

class TicketDesk {
 public:
  struct Challenge {
    std::string token;
  };
  struct Proved {
    std::string principal;
    std::string authzid;
    std::string token;  // the last one, which has to reach the client (KPOP)
  };
  struct Refused {
    LoginRefusal refusal = LoginRefusal::bad_credentials;
    std::string detail;  // for the log
    std::string token;   // for the client (KPOP)
  };
  using Step = std::variant<Challenge, Proved, Refused>;  // the latter two end it
  using OnStep = std::function<void(Step&&)>;             // from the loop, never from within the call

  TicketDesk(event::Loop& loop, const Config& config) : loop_{loop}, config_{config} {}

  void attach_krbd(LeasedFd fd);
  void attach_kdcd(LeasedFd fd);
  bool offered() const { return config_.kerberos.enabled(); }

  // Each begins something that ends by a step, or by drop().
  TicketId start_gssapi(Service service, std::string bindings, std::string token, OnStep on_step);
  TicketId check_request(Service service, std::string ap_req, OnStep on_step);
  TicketId check_password(const std::string& principal, const Secret& password, OnStep on_step);
  // After a Challenge.
  void respond(TicketId ticket, std::string token);
  void drop(TicketId ticket);

 private:
  using KrbdChannel = event::ChannelHandler<AuthdToKrbd, KrbdToAuthd>;
  using KdcdChannel = event::ChannelHandler<AuthdToKdcd, KdcdToAuthd>;
  enum class With : std::uint8_t { krbd, kdcd };
  struct Open {
    OnStep on_step;
    With with;
    std::string principal;               // of a password: whom the ticket must name
    std::unique_ptr<event::Timer> late;  // the answer has not come in time
  };

  bool may_ask(With with) const;
  std::chrono::milliseconds patience_with(With with) const;
  TicketId open(OnStep on_step, With with, std::string principal);
  void end(TicketId ticket, Step step);
  void end_all(With with);
  void on_krbd(KrbdToAuthd&& message);
  void on_kdcd(KdcdToAuthd&& message);
  void password_proved(TicketId ticket, const TicketProved& message);

  event::Loop& loop_;
  const Config& config_;
  std::unique_ptr<KrbdChannel> krbd_;
  std::unique_ptr<KdcdChannel> kdcd_;
  std::map<TicketId, Open> open_;
  TicketId last_ = 0;
  unsigned with_kdcd_ = 0;
};

}  // namespace mailroom::authd
