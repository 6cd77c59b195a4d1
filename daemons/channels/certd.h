// authd has certd look at handshakes in which a client showed a certificate.
//
// authd numbers the checks; each is answered once.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>

#include "daemons/channels/keyd.h"
#include "libcommon/policy/certificate_rule.h"

namespace mailroom {

using CheckId = std::uint64_t;

// authd -> certd
struct CheckHandshake {
  CheckId check = 0;
  SignedHandshake made;   // by keyd, in the connection that is to be logged in
  std::string handshake;  // what the connection's process says that its client has said (SaslStart)
  static auto fields(auto& m) { return std::tie(m.check, m.made, m.handshake); }
};
using AuthdToCertd = std::variant<CheckHandshake>;

// certd -> authd
struct CertificateProved {
  CheckId check = 0;
  policy::CertificateNames names;
  static auto fields(auto& m) { return std::tie(m.check, m.names); }
};
struct CertificateRefused {
  CheckId check = 0;
  std::string reason;  // for the log
  static auto fields(auto& m) { return std::tie(m.check, m.reason); }
};
// It has no authorities to look at one with.
struct CannotCheck {
  CheckId check = 0;
  static auto fields(auto& m) { return std::tie(m.check); }
};
using CertdToAuthd = std::variant<CertificateProved, CertificateRefused, CannotCheck>;

}  // namespace mailroom
