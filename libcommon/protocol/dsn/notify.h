// Who is told of what: the NOTIFY parameter of RCPT (RFC 3461 section 4.1).
#pragma once

#include <cstdint>

namespace mailroom::dsn {

// What has become of a message for one recipient (RFC 3464 section 2.3.3).
enum class Action : std::uint8_t {
  failed,     // it will never arrive
  delayed,    // it has not arrived yet, and is tried on
  delivered,  // it is in the recipient's mailbox
  relayed,    // the next host has it, and will not report
  expanded,   // it is with the members of a list
};

const char* action_name(Action action);

// Whether the sender is to be told, by the bits of NOTIFY (smtp::kNotifyNever ...; 0: not given, which stands
// for FAILURE,DELAY: a delay may be reported then).
bool is_wanted(std::uint8_t notify, Action action);

// Whether the next host takes over the duty to report (RFC 3461 section 5.2).
enum class NextHop : std::uint8_t { takes_dsn, takes_no_dsn };

// Whether a message that the next host has taken is reported as relayed (sections 5.2.1, 5.2.2).
bool is_relay_wanted(std::uint8_t notify, NextHop next_hop);

}  // namespace mailroom::dsn
