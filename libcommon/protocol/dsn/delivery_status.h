// The part of a report that programs read: message/delivery-status (RFC 3464 section 2), and in its form for
// internationalized mail message/global-delivery-status (RFC 6533 section 4).
#pragma once

#include <string>

#include "libcommon/protocol/dsn/report.h"

namespace mailroom::dsn {

enum class Charset : std::uint8_t { ascii, utf8 };

std::string delivery_status(const Report& report, Charset charset);

}  // namespace mailroom::dsn
