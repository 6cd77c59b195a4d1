#include "libcommon/sys/heap.h"

#include <malloc.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>

#include "libcommon/sys/sanitized.h"

namespace mailroom {
namespace {

// Larger blocks are mapped one by one (M_MMAP_THRESHOLD).
constexpr std::size_t kLargestHole = 64 * 1024;
// Up to this size freed blocks are kept in lists by their size.
constexpr std::size_t kSmall = 1024;
constexpr std::size_t kStep = 16;
// So much of unused heap is kept rather than given back and asked for again with the next message.
constexpr int kKept = 512 * 1024;
// So much of it is there before the first connection, so that no child needs to ask the kernel.
constexpr std::size_t kReady = 256 * 1024;

void grow_unused() {
  std::array<void*, kReady / kLargestHole> blocks{};
  for (void*& block : blocks) block = std::malloc(kLargestHole);
  for (void* block : blocks) std::free(block);
}

}  // namespace

std::uintptr_t unused_heap() { return reinterpret_cast<std::uintptr_t>(::sbrk(0)) - ::mallinfo2().keepcost; }

void settle_heap() {
  if (kIsSanitized) return;  // it is not glibc's
  ::mallopt(M_MXFAST, 0);    // its list is emptied over all of the heap by the first large allocation
  ::mallopt(M_TRIM_THRESHOLD, kKept);
  ::malloc_trim(kKept);
  const std::uintptr_t end = unused_heap();
  for (std::size_t size = kLargestHole; size > 0; size -= size > kSmall ? kSmall : kStep) {
    void* block = std::malloc(size);
    while (block != nullptr && reinterpret_cast<std::uintptr_t>(block) < end) block = std::malloc(size);
    if (size > kSmall)
      std::free(block);  // it joins what is unused; a small one would be kept in a list, apart
  }
  grow_unused();
}

}  // namespace mailroom
