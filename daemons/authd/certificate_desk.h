// Client certificates for the login desk: asks keyd what it has signed for a connection, and certd whether
// the client has proved a certificate in that handshake.
//
//   check --> signing --WasSigned--> checking --CertificateProved, CertificateRefused--> over
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "daemons/channels/authd.h"
#include "daemons/channels/certd.h"
#include "daemons/channels/keyd.h"
#include "daemons/config.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom::authd {

class CertificateDesk {
 public:
  struct Refused {
    LoginRefusal refusal = LoginRefusal::bad_credentials;
    std::string detail;  // for the log
  };
  using Step = std::variant<policy::CertificateNames, Refused>;
  using OnStep = std::function<void(Step&&)>;  // once, from the loop, never from within the call

  CertificateDesk(event::Loop& loop, const Config& config) : loop_{loop}, config_{config} {}

  // After a reload there are two for a while: each knows the connections that have asked it.
  void attach_keyd(LeasedFd fd);
  void attach_certd(LeasedFd fd);
  bool offered() const { return config_.client_certificate.enabled(); }

  // Ends by a step, or by drop().
  CheckId check(ConnectionId connection, std::string handshake, OnStep on_step);
  void drop(CheckId check) { open_.erase(check); }

 private:
  using KeydChannel = event::ChannelHandler<AuthdToKeyd, KeydToAuthd>;
  using CertdChannel = event::ChannelHandler<AuthdToCertd, CertdToAuthd>;
  enum class With : std::uint8_t { keyd, certd };
  struct Open {
    ConnectionId connection = 0;
    std::string handshake;
    OnStep on_step;
    With with = With::keyd;
    std::size_t keyds = 0;               // that have not answered yet
    std::unique_ptr<event::Timer> late;  // the answer has not come in time
  };

  void on_keyd(WasSigned&& message);
  void on_certd(CertdToAuthd&& message);
  void signed_by_keyd(CheckId check, SignedHandshake&& made);
  void not_signed(CheckId check);
  void end(CheckId check, Step step);
  void end_all(With with);

  event::Loop& loop_;
  const Config& config_;
  std::list<std::unique_ptr<KeydChannel>> keyds_;
  std::unique_ptr<CertdChannel> certd_;
  std::map<CheckId, Open> open_;
  CheckId last_ = 0;
};

}  // namespace mailroom::authd
