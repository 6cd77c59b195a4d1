// The field TLS-Required (RFC 8689 3), looked for in a message that comes in pieces.  Holds a few octets
// only, whatever comes.  Pure.
#pragma once

#include <string_view>

#include "libcommon/protocol/rfc5322/named_fields.h"

namespace mailroom::rfc5322 {

class TlsRequiredScan {
 public:
  // The next octets of the message; what comes after its header is not looked at.
  void feed(std::string_view piece) { fields_.feed(piece); }

  // The message has come, or its header has: whether one field, and no other of that name, says "No".
  bool says_no();

 private:
  // A longer field says something else than "No".
  NamedFields fields_{"TLS-Required", {.octets = 128, .fields = 1}};
};

}  // namespace mailroom::rfc5322
