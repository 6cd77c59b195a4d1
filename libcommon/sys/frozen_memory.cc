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

bool is_zero(const std::uint64_t* page) {
  return std::all_of(page, page + kPage / sizeof *page, [](std::uint64_t word) { return word == 0; });
}

bool write_page(int file, const void* page) {
  return ::write(file, page, kPage) == static_cast<ssize_t>(kPage);
}

// Pages of zeros, which are where a heap had holes, become holes of the file; the last one says how long it
// is.
bool write_all(int file, const Area& area) {
  for (std::uintptr_t at = area.begin; at < area.end; at += kPage) {
    const auto* page = reinterpret_cast<const std::uint64_t*>(at);
    const bool is_hole = is_zero(page) && at + kPage < area.end;
    if (is_hole ? ::lseek(file, kPage, SEEK_CUR) < 0 : !write_page(file, page)) return false;
  }
  return true;
}

// What was copied is this process's memory, and is to be counted as such.
void populate(int file, off_t offset, const Area& area) {
  const off_t end = offset + static_cast<off_t>(area.end - area.begin);
  off_t data = ::lseek(file, offset, SEEK_DATA);
  while (data >= 0 && data < end) {
    const off_t hole = std::min(::lseek(file, data, SEEK_HOLE), end);
    const std::uintptr_t begin = area.begin + static_cast<std::uintptr_t>(data - offset);
    ::madvise(reinterpret_cast<void*>(begin), static_cast<std::size_t>(hole - data), MADV_POPULATE_READ);
    data = ::lseek(file, hole, SEEK_DATA);
  }
}

// Nothing may be written to the area between the copy and the mapping: the heap is not used here.
bool move_into(int file, const Area& area) {
  void* const address = reinterpret_cast<void*>(area.begin);
  const off_t offset = ::lseek(file, 0, SEEK_END);
  if (!write_all(file, area)) return false;
  // A mapping that fails may have taken away what was there.
  if (::mmap(address, area.end - area.begin, area.protection, MAP_PRIVATE | MAP_FIXED, file, offset) ==
      MAP_FAILED)
    std::abort();
  populate(file, offset, area);
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
