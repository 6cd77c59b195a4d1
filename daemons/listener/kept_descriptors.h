// Which descriptors a forked child keeps.
#pragma once

#include <initializer_list>

namespace mailroom {

// Closes every descriptor but the first three (null and the log pipe) and these; negative numbers are none.
// A handful of calls, however many are open.
void close_all_but(std::initializer_list<int> kept);

}  // namespace mailroom
