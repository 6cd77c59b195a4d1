// UIDLs (RFC 1939 section 7).  A message's own is "UIDVALIDITY.UID" of INBOX; an imported one is kept
// instead.  Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "spool/mailbox/uid_set.h"

namespace mailroom::mailbox {

inline constexpr std::size_t kMaxUidl = 70;  // RFC 1939 section 7

std::string format_uidl(std::uint32_t uid_validity, Uid uid);

// 1 to kMaxUidl octets of 0x21 to 0x7E, and not of the form that this UIDVALIDITY will give to another
// message.
bool is_importable_uidl(std::string_view uidl, std::uint32_t uid_validity);

}  // namespace mailroom::mailbox
