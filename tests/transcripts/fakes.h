// Peers that the transcripts of every protocol need: an authority with a handful of names, TLS that is only a
// mark, time.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "daemons/dialogue/clock.h"
#include "daemons/listener/authenticator.h"
#include "daemons/listener/tls_upgrade.h"
#include "daemons/log.h"
#include "libcommon/protocol/sasl/login.h"
#include "libcommon/protocol/sasl/plain.h"
#include "tests/transcripts/transcript.h"

namespace mailroom::transcript {

using Events = std::vector<std::string>;

inline void silence_log() {
  static const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  log::set_up({.fd = nowhere});
}

// PLAIN and LOGIN for user, password "secret"; other names with that password show the other outcomes.
class FakeAuthenticator : public Authenticator {
 public:
  explicit FakeAuthenticator(Events& events) : events_{events} {}

  std::vector<std::string> mechanisms() const override { return {"PLAIN", "LOGIN"}; }
  AuthStep start(std::string_view mechanism, std::optional<std::string_view> initial_response) override {
    events_.push_back(fmt::format("auth {}", mechanism));
    plain_ = mechanism == "PLAIN";
    if (plain_) return initial_response ? respond(*initial_response) : AuthStep{AuthChallenge{}};
    if (mechanism != "LOGIN") return AuthFailure{AuthFailure::Kind::unsupported_mechanism};
    login_ = {};
    return step_of(login_.start(initial_response));
  }

  AuthStep respond(std::string_view data) override {
    if (!plain_) {
      auto step = login_.respond(data);
      return step ? step_of(std::move(*step)) : failure(step.error());
    }
    const auto credentials = sasl::parse_plain(data);
    return credentials ? check(*credentials) : failure(credentials.error());
  }

  void cancel() override { events_.push_back("auth cancelled"); }

 private:
  static AuthStep failure(sasl::Fault fault) {
    const bool malformed = fault == sasl::Fault::malformed;
    return AuthFailure{malformed ? AuthFailure::Kind::malformed : AuthFailure::Kind::bad_credentials};
  }
  AuthStep step_of(sasl::LoginServer::Step step) {
    if (const auto* challenge = std::get_if<std::string_view>(&step))
      return AuthChallenge{std::string(*challenge)};
    return check(std::get<sasl::Credentials>(step));
  }
  AuthStep check(const sasl::Credentials& credentials) {
    using Kind = AuthFailure::Kind;
    if (credentials.password != "secret") return AuthFailure{Kind::bad_credentials};
    if (credentials.authcid == "expired") return AuthFailure{Kind::expired};
    if (credentials.authcid == "off") return AuthFailure{Kind::service_off};
    if (credentials.authcid == "unlucky") return AuthFailure{Kind::unavailable};
    if (credentials.authcid == "many") return AuthFailure{Kind::too_many};
    if (credentials.authcid == "soon") return AuthSuccess{5};
    if (credentials.authcid != "user") return AuthFailure{Kind::bad_credentials};
    events_.push_back("logged in");
    return AuthSuccess{};
  }

  Events& events_;
  bool plain_ = false;
  sasl::LoginServer login_;
};

class FakeTls : public TlsUpgrade {
 public:
  explicit FakeTls(ScriptStream& stream) : stream_{stream} {}
  Stream& start() override {
    stream_.mark("<TLS>");
    return stream_;
  }

 private:
  ScriptStream& stream_;
};

class FakeClock : public Clock {
 public:
  std::chrono::steady_clock::time_point now() override { return time; }
  std::chrono::sys_seconds date() override { return {}; }
  void pause(std::chrono::milliseconds length) override {
    time += length;
    paused += length;
  }

  std::chrono::steady_clock::time_point time{};
  std::chrono::milliseconds paused{};
};

}  // namespace mailroom::transcript
