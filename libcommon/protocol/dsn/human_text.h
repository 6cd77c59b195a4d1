// The part of a report that people read.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/protocol/dsn/report.h"

namespace mailroom::dsn {

// Recipients that are described; the rest are counted.
inline constexpr std::size_t kMaxDescribed = 50;

// The gist of a report, for its subject: "Not delivered", "Delayed", "Delivered", "Passed on".
std::string_view summary(const Report& report);

// Lines of UTF-8 that end in CRLF.  `subject` is the original message's, printable.
std::string human_text(const Report& report, std::string_view subject, Return part);

}  // namespace mailroom::dsn
