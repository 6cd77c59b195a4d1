// Which descriptors a process keeps of those that it was started or forked with.
#pragma once

#include <initializer_list>

namespace mailroom {

// Closes every descriptor but the first three (null and the log pipe) and these; negative numbers are none.
// A handful of calls, however many are open.
void close_all_but(std::initializer_list<int> kept);

}  // namespace mailroom
