// What an SMTP session would come to, up to its first recipient: played in memory by smtpd's own engine and
// OpenSSL, with the listener's configuration and policyd's answers.  So what comes of it is what the server
// would say.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/channels/tools_access.h"
#include "daemons/config.h"

namespace mailroom {

// What a client does: EHLO, STARTTLS where it is offered and the client can, AUTH with the right password,
// MAIL, RCPT.
struct TrialClient {
  IpAddress address;
  std::string helo;
  std::optional<TlsVersion> newest_tls;  // nothing: it knows no TLS
  std::string login;                     // empty: it does not log in
  std::string sender;
  std::string recipient;
};

struct SessionTrial {
  // The refusal that ended it, or the reply to RCPT.  Code 0: no reply, but the handshake failed, and the
  // text is what the log would say of it.
  Reply reply;
  std::string rule;  // what decided
  std::string when;  // the same in words
  std::vector<ExplainedFact> facts;

  bool accepted() const { return reply.code != 0 && reply.accepted(); }
};

// What policyd says.  May throw, and the trial then does too.
using AskPolicyd = std::function<MailExplained(const ExplainMail&)>;

SessionTrial try_session(const Config& config, const ListenerConfig& listener, const TrialClient& client,
                         const AskPolicyd& ask);

}  // namespace mailroom
