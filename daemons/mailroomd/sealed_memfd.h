// Blocks for other processes to read.
#pragma once

#include <string_view>

#include "libcommon/sys/fd.h"

namespace mailroom {

// A memfd that nobody can change any more.  Throws std::system_error.
Fd sealed_memfd(std::string_view bytes);

}  // namespace mailroom
