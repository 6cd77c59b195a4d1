// Memory that is filled once and then only read, in a process that is forked for each connection.
//
// A fork copies the page table of all memory that a process has of its own, and counts its pages; the child's
// end undoes that.  None of it is done for the pages of a file: a child's first look at one brings it and its
// neighbours from the page cache.  So what has been filled is put into a file without a name, in memory, that
// is mapped in its place.  The mapping is private and the file is closed: who writes gets a page of his own,
// as after any fork, and nobody can write to the file.
#pragma once

#include <cstdint>

#include "libcommon/sys/fd.h"

namespace mailroom {

class FrozenMemory {
 public:
  // What is allocated from here on is to be frozen: the large and lasting part of a set-up.  Made before the
  // process loses the right to make a memory file.
  FrozenMemory();

  // Freezes it, and the tables that were relocated when the programs and libraries were loaded.  Called once,
  // after settle_heap(), by a process with one thread.  Where the kernel has no memory files, or no room for
  // one, everything stays as it is; also under a sanitizer, which has a heap of its own.
  void freeze();

 private:
  Fd file_;
  std::uintptr_t heap_begin_;
};

}  // namespace mailroom
