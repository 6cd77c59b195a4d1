#include "libcommon/sys/frozen_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <utility>
#include <vector>

#include "libcommon/sys/heap.h"

namespace mailroom {
namespace {

constexpr std::uintptr_t kPage = 4096;

constexpr std::uintptr_t page_down(std::uintptr_t address) { return address & ~(kPage - 1); }
constexpr std::uintptr_t page_up(std::uintptr_t address) { return page_down(address + kPage - 1); }

struct Area {
  std::uintptr_t begin, end;
  int protection;
};

// The pages that the dynamic loader has made unwritable after it filled them.
int add_relocated(dl_phdr_info* object, std::size_t, void* areas) {
  for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    const std::uintptr_t begin = object->dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_GNU_RELRO)
      static_cast<std::vector<Area>*>(areas)->push_back(
          {page_down(begin), page_down(begin + part.p_memsz), PROT_READ});
  }
  return 0;
}

bool write_all(int file, const Area& area) {
  for (std::uintptr_t at = area.begin; at < area.end;) {
    const ssize_t written = ::write(file, reinterpret_cast<const void*>(at), area.end - at);
    if (written <= 0) return false;
    at += static_cast<std::uintptr_t>(written);
  }
  return true;
}

// Nothing may be written to the area between the copy and the mapping: the heap is not used here.
bool move_into(int file, const Area& area) {
  const std::size_t size = area.end - area.begin;
  void* const address = reinterpret_cast<void*>(area.begin);
  const off_t offset = ::lseek(file, 0, SEEK_CUR);
  if (!write_all(file, area)) return false;
  // A mapping that fails may have taken away what was there.
  if (::mmap(address, size, area.protection, MAP_PRIVATE | MAP_FIXED, file, offset) == MAP_FAILED)
    std::abort();
  ::madvise(address, size, MADV_POPULATE_READ);  // it is this process's memory, and is to be counted as such
  return true;
}

}  // namespace

FrozenMemory::FrozenMemory()
    : file_{::memfd_create("frozen", MFD_CLOEXEC)}, heap_begin_{page_up(unused_heap())} {}

void FrozenMemory::freeze() {
  const Fd file = std::move(file_);
  const bool is_heap_of_glibc = ::mallinfo2().arena != 0;
  if (!file || !is_heap_of_glibc) return;
  std::vector<Area> areas{{heap_begin_, page_down(unused_heap()), PROT_READ | PROT_WRITE}};
  ::dl_iterate_phdr(add_relocated, &areas);
  std::erase_if(areas, [](const Area& area) { return area.begin >= area.end; });
  std::ranges::all_of(areas, [&](const Area& area) { return move_into(file.get(), area); });
}

}  // namespace mailroom
