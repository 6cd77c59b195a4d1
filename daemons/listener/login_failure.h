// What an engine is told of a login that authd or policyd has refused.
#pragma once

#include "daemons/channels/authd.h"
#include "daemons/listener/authenticator.h"

namespace mailroom {

constexpr AuthFailure::Kind failure_of(LoginRefusal refusal) {
  switch (refusal) {
  case LoginRefusal::bad_credentials:
  case LoginRefusal::disabled:
    return AuthFailure::Kind::bad_credentials;
  case LoginRefusal::mechanism_unknown:
    return AuthFailure::Kind::unsupported_mechanism;
  case LoginRefusal::malformed:
    return AuthFailure::Kind::malformed;
  case LoginRefusal::unavailable:
    return AuthFailure::Kind::unavailable;
  case LoginRefusal::service_off:
    return AuthFailure::Kind::service_off;
  case LoginRefusal::expired:
    return AuthFailure::Kind::expired;
  case LoginRefusal::too_many:
    return AuthFailure::Kind::too_many;
  }
  return AuthFailure::Kind::unavailable;
}

}  // namespace mailroom
