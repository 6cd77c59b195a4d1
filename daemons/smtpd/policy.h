// What the SMTP engine knows of the authority over envelopes (policyd): it asks, and learns what to say to
// its client.  An accepting verdict means that queued already holds the recipient for this connection and
// transaction.
#pragma once

#include "daemons/channels/policyd.h"

namespace mailroom {

class Policy {
 public:
  virtual ~Policy() = default;

  // Each blocks until the authority answers.  None throws for its silence or end: the reply is then a 4xx, or
  // 421 when nothing more can be done on this connection.
  [[nodiscard]] virtual Verdict check_sender(const CheckSender& request) = 0;
  [[nodiscard]] virtual Verdict check_recipient(const CheckRecipient& request) = 0;

  // At the relay: what is forgiven the device that the client is by its name and login.  Nothing is when the
  // authority does not answer.
  [[nodiscard]] virtual policy::Quirks device_quirks() = 0;

  // Withdraws the envelope of the current transaction, if there is one.
  virtual void reset() = 0;
};

}  // namespace mailroom
