// The memory that a process needed to be set up, and that it needs no longer.
//
// Called at the end of set-up: most of what has run by then never runs again, and counts as memory in use
// until somebody needs that memory.
#pragma once

namespace mailroom {

// Takes the code and the constants of the program and its libraries out of this process's page table: what is
// used comes back from the page cache, a few pages at a time, and without a debugger's breakpoints.  For
// listeners, whose heap is settled (libcommon/sys/heap.h).
void release_constants();

// The same, and gives back the free pages of the heap.
void give_back_set_up_memory();

}  // namespace mailroom
