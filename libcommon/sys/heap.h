// The heap of a process that is forked for each connection.
//
// After a fork every page that parent or child writes is copied first.  A set-up that has freed much (TLS
// contexts, a handshake for warm-up) leaves holes all over the heap, and each allocation of a child would
// write to another page.
#pragma once

#include <cstdint>

namespace mailroom {

// Fills the holes: what is allocated from here on lies together at the end of the heap.  Called once, by a
// process with one thread, when it is set up and before it forks for connections.
void settle_heap();

// Where the part of the heap begins that was never allocated.
std::uintptr_t unused_heap();

}  // namespace mailroom
