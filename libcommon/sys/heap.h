// The heap of a process that is forked for each connection.
//
// After a fork every page that parent or child writes is copied first.  A set-up that has freed much (TLS
// contexts, a handshake for warm-up) leaves holes all over the heap, and each allocation of a child would
// write to another page.
#pragma once

namespace mailroom {

// Fills the holes: what is allocated from here on lies together at the end of the heap.  Called once, by a
// process with one thread, when it is set up and before it forks for connections.
void settle_heap();

}  // namespace mailroom
