#include "libcommon/sys/program_text.h"

#include <sys/mman.h>

#include <cstdint>

extern "C" {
// From the linker: the start of the program, and the end of its code.  What lies between is never written.
extern const char __executable_start;
extern const char etext;
}

namespace mailroom {

void release_program_text() {
  constexpr std::uintptr_t kPage = 4096;
  const auto start = reinterpret_cast<std::uintptr_t>(&__executable_start);
  const auto size = (reinterpret_cast<std::uintptr_t>(&etext) - start) / kPage * kPage;
  ::madvise(reinterpret_cast<void*>(start), size, MADV_DONTNEED);  // without it everything works as well
}

}  // namespace mailroom
