// From a connection to a mail session: greeting, EHLO, STARTTLS, AUTH (RFC 5321 3.1, 3.2, RFC 3207, RFC 4954;
// RFC 2033 for LMTP), as the requirement of the hop says.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "daemons/channels/relayd.h"
#include "daemons/config.h"
#include "daemons/relayd/exchange.h"
#include "daemons/relayd/link.h"
#include "libcommon/protocol/smtp/capabilities.h"

namespace mailroom::relayd {

struct ClientFacts {
  std::string hostname;  // our name in EHLO
  RelaydConfig limits;
  Duration tls_timeout{};
};

// What was agreed upon.
struct Session {
  routing::Protocol protocol = routing::Protocol::smtp;
  smtp::Capabilities capabilities;
  std::string tls;  // version and cipher; empty: plaintext
  bool verified = false;
  std::string tls_trouble;  // of a requirement with report_only: RFC 8460 4.3 result type of what is wrong
  bool requiretls = false;  // the hop is fit for messages with REQUIRETLS (RFC 8689 4.2.1)
};

// Why there is no session; host and address are left to the caller.
using SessionFailure = HopAttempt;

struct SessionRequest {
  routing::Protocol protocol = routing::Protocol::smtp;
  const routing::TlsRequirement& tls;
  CredentialSource* credentials = nullptr;  // null: no login
};

// `exchange` is new, with the end that all of the opening has; it stays the connection's own afterwards.
std::expected<Session, SessionFailure> open_session(const ClientFacts& facts, const SessionRequest& request,
                                                    Link& link, Exchange& exchange);

// The far side's words as a channel carries them.
Reply to_reply(const smtp::ServerReply& reply);

}  // namespace mailroom::relayd
