// KPOP: POP3 after a Kerberos ticket, on a port of its own (1109), as MIT's and CNS's clients speak it.
//
// The ticket comes first, by MIT's sendauth: both sides' words are messages of a length in four octets, the
// most significant first, and as many octets.
//
//   C: "KRB5_SENDAUTH_V1.0" NUL        C: "KPOPV1.0" NUL
//   S: one octet, 0 when both are known, 1 or 2 for the one that is not
//   C: AP-REQ for pop/HOST (RFC 4120 5.5.1)
//   S: a message of length 0           S: AP-REP, when the client asked for one
//   or S: KRB-ERROR (RFC 4120 5.9.1), and the end
//
// Then POP3, in which USER must name the ticket's own account, and what PASS says is not looked at.
//
// SECURITY: the length is checked before anything is taken; the octets are krbd's business.
#pragma once

#include <chrono>
#include <cstdint>

#include "daemons/listener/authenticator.h"
#include "libcommon/sys/stream.h"

namespace mailroom::pop3d {

inline constexpr std::uint32_t kMaxKpopMessage = kMaxSaslMessage;

// Takes the client's ticket, within `patience`.  False when there is none that is good: the client has been
// told why, as far as it is known, and the connection is to be closed.  Otherwise the exchange with the
// authenticator goes on: the next response is the name that USER gives.  Throws StreamError.
[[nodiscard]] bool take_ticket(Stream& client, Authenticator& authenticator,
                               std::chrono::milliseconds patience);

}  // namespace mailroom::pop3d
