#include "libcommon/sys/set_up_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace mailroom {
namespace {

constexpr std::uintptr_t kPage = 4096;

// The parts of a loaded file that nobody ever writes to, the loader included: without them everything is as
// before.
int release_constant_parts(dl_phdr_info* object, std::size_t, void*) {
  for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = object->dlpi_addr + part.p_vaddr;
    const std::uintptr_t first_page = begin / kPage * kPage;
    ::madvise(reinterpret_cast<void*>(first_page), begin + part.p_memsz - first_page, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void release_constants() { ::dl_iterate_phdr(release_constant_parts, nullptr); }

void give_back_set_up_memory() {
  ::malloc_trim(0);
  release_constants();
}

}  // namespace mailroom
