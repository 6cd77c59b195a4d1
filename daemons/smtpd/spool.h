// Where the SMTP engine puts the content of a message (queued): one message at a time.
#pragma once

#include <string>

#include "daemons/channels/queued.h"

namespace mailroom {

class Spool {
 public:
  virtual ~Spool() = default;

  // The content of the envelope that was authorised for this transaction begins.
  virtual void begin(TransactionId transaction) = 0;

  // At most kContentChunk octets, in wire form (CRLF), un-dot-stuffed.
  virtual void write(std::string chunk) = 0;

  // The end of the content with its last octets (likewise at most kContentChunk, so that a small message is
  // one packet). The reply to give the client: 250 only when the message is durable.  4xx when the server has
  // gone.
  [[nodiscard]] virtual Reply commit(std::string last) = 0;

  // Forgets the message that was begun.
  virtual void abort() = 0;
};

}  // namespace mailroom
