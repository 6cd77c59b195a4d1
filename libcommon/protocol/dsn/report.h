// Delivery status notifications (RFC 3464, RFC 3461, RFC 6533): what the sender of a message is told about
// it, in words for people, in fields for programs, and with the message itself or its header.
//
// Pure: whoever calls it says what happened, when, and under which names.  Everything that comes from outside
// (addresses, replies of other hosts, the message) is bounded and encoded here: it can fill its own place and
// no other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/protocol/dsn/notify.h"

namespace mailroom::dsn {

// Recipients of one report; whoever has more to tell of makes several.
inline constexpr std::size_t kMaxRecipients = 500;
// Octets of one address that is shown (RFC 5321 4.5.3.1.3: 256), and of what a host said about it (RFC 3464
// sets no limit).
inline constexpr std::size_t kMaxAddress = 320;
inline constexpr std::size_t kMaxDiagnostic = 800;
// Octets of a subject that is repeated.
inline constexpr std::size_t kMaxSubject = 200;
// Octets of a header that is returned.
inline constexpr std::size_t kMaxReturnedHeader = 64 * 1024;

// What became of one recipient.
struct Recipient {
  std::string address;  // as it was accepted
  std::string orcpt;    // of RCPT, in xtext with its address type; empty: not given
  Action action = Action::failed;
  std::string status;          // RFC 3463; one that is none, or of another class than the action's, is mended
  bool expired = false;        // failed since it could not be delivered in time
  std::string host;            // the far side; empty: it never came to that
  std::string reply;           // the far side's words, "550 5.1.1 no such user"; empty: it said nothing
  std::string problem;         // in our words, where the far side said nothing
  std::int64_t attempted = 0;  // last, in seconds since 1970; 0: never
};

struct Report {
  std::string host;       // this one: it reports
  std::string from;       // the address of its postmaster
  std::string recipient;  // the reverse-path of the message that is reported on
  std::string id;         // of this report, different from all others: letters, digits, "." and "-"
  std::int64_t now = 0;   // in seconds since 1970, as all times here
  std::int64_t arrived = 0;
  std::int64_t tried_until = 0;  // for delayed recipients; 0: not said
  std::string envid;             // of MAIL, in xtext; empty: not given
  bool tls_optional = false;     // the message said TLS-Required: No, and so does the report (RFC 8689 6)
  std::vector<Recipient> recipients;
};

// What of the message goes back.
enum class Return : std::uint8_t { whole, header };

// Whether the report may hold octets past ASCII and long lines where the message does.  Where it may not,
// such a message is returned as its header, encoded.
enum class Transport : std::uint8_t { seven_bit, eight_bit };

struct Original {
  std::string_view content;  // in wire form; for Return::header its header is enough
  Return part = Return::header;
};

struct Composed {
  std::string content;    // in wire form, with its header
  bool smtputf8 = false;  // its header holds an internationalized address (RFC 6531)
  bool eight_bit = false;
};

[[nodiscard]] Composed compose(const Report& report, const Original& original, Transport transport);

// The field by which a host knows its own reports.
inline constexpr std::string_view kIdentityField = "X-Mailroom-Report";

// Whether a message (its header is enough) is a report, or an answer by a program to one, whatever its
// envelope says: an Auto-Submitted of auto-replied (RFC 3834 section 5), or an identity field of this host.
// Nothing is reported about it.
bool is_answer(std::string_view header, std::string_view host);

}  // namespace mailroom::dsn
