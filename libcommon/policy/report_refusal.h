// What it says about a device's sender address that a report to it was refused (REQUIREMENTS C8).  Pure.
//
// Only what is permanent and the address's own fault counts: nobody has it, its domain takes no mail, it has
// moved or is switched off.  A full mailbox, what the far side's policy or its filter says, and a failing
// server are not the device's fault.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mailroom::policy {

// Who refused, and what had been said by then.
enum class RefusedAt : std::uint8_t {
  here,       // this system: nobody has the address, or there is no way to its domain
  session,    // a far side, before it was told the recipient: it speaks of us, not of the address
  recipient,  // a far side, in answer to RCPT
  content,    // a far side, in answer to DATA or the message
  kLast = content
};

enum class RefusalMeaning : std::uint8_t {
  address_is_bad,  // counts
  mailbox_full,
  policy,  // of the far side, about the sender, the connection or the content
  server,  // what is not about the address at all, or temporary
};

// One row for each class of enhanced status codes (RFC 3463, RFC 7505), tried from the top.
struct RefusalRow {
  std::string_view enhanced;  // "5.1.1", or what it begins with: "5.7."
  RefusalMeaning meaning = RefusalMeaning::server;
  std::string_view words;  // for mailroom-policy(7)
};
std::span<const RefusalRow> refusal_rows();

// Where a far side gives no enhanced code: what a bare reply to RCPT means (RFC 5321 4.2.3).
struct BareRow {
  unsigned code = 0;
  RefusalMeaning meaning = RefusalMeaning::server;
  std::string_view words;
};
std::span<const BareRow> bare_rows();

// `code` of RFC 5321 4.2, `enhanced` of RFC 3463 or empty.
RefusalMeaning meaning_of(RefusedAt at, unsigned code, std::string_view enhanced);

std::string_view meaning_word(RefusalMeaning meaning);  // "bad-address"

}  // namespace mailroom::policy
