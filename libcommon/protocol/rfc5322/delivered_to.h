// The Delivered-To fields of a message that comes in pieces: the addresses it has been delivered to before,
// as this system and others write them on top of it.  Where it is to go there again, it is in a loop
// (SECURITY.md V16).  Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "libcommon/protocol/rfc5322/named_fields.h"

namespace mailroom::rfc5322 {

class DeliveredToScan {
 public:
  // Longer fields hold no address that mail is accepted for; more of them than hops that a message may have
  // (smtpd.max-received) are for that limit to stop.
  static constexpr std::size_t kMaxField = 512;
  static constexpr std::size_t kMaxFields = 100;

  // The next octets of the message; what comes after its header is not looked at.
  void feed(std::string_view piece) { fields_.feed(piece); }

  // The message has come, or its header has.
  void end() { fields_.end(); }

  // Then: whether one of the fields is this address and nothing else, ASCII letters in any case.
  bool names(std::string_view address) const;

 private:
  NamedFields fields_{"Delivered-To", {.octets = kMaxField, .fields = kMaxFields}};
};

}  // namespace mailroom::rfc5322
