// The attributes of RFC 6154.
#pragma once

#include <optional>
#include <string_view>

#include "spool/mailbox/types.h"

namespace mailroom::imapd {

// "\Drafts"; empty for none.
std::string_view name_of(mailbox::SpecialUse use);
// By its attribute in any case.
std::optional<mailbox::SpecialUse> special_use_of(std::string_view attribute);

}  // namespace mailroom::imapd
