// Ends the process: a broken invariant, a right that could not be given up.  The supervisor starts it afresh.
#pragma once

#include <string_view>

namespace mailroom {

inline constexpr int kFatalExit = 70;

// Writes one line to standard error and exits at once, without destructors.
[[noreturn]] void fatal(std::string_view what);

// The same with the text of errno.
[[noreturn]] void fatal_errno(std::string_view what);

}  // namespace mailroom
