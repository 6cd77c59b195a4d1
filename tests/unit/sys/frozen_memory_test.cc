#include <catch2/catch.hpp>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "libcommon/sys/frozen_memory.h"
#include "libcommon/sys/heap.h"

namespace {

// The name of the file that is mapped where this lies; empty for memory without one.
std::string file_at(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps{"/proc/self/maps"};
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    int name = 0;
    std::sscanf(line.c_str(), "%lx-%lx %*s %*s %*s %*s %n", &begin, &end, &name);
    if (begin <= wanted && wanted < end) return line.substr(static_cast<std::size_t>(name));
  }
  return "nowhere";
}

// Of a mapped file: without a page of its own there a first look would make one.
bool is_in_memory(const void* address) {
  const auto page = reinterpret_cast<std::uintptr_t>(address) / 4096 * 4096;
  unsigned char state = 0;
  return ::mincore(reinterpret_cast<void*>(page), 1, &state) == 0 && (state & 1) != 0;
}

struct Table {
  virtual ~Table() = default;
};

// The exit status of a child that runs this.
template <typename Run>
int in_child(Run run) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("what was set up lies in a file of memory, unchanged, and is everybody's own", "[bare]") {
  if (::mallinfo2().arena == 0) return;  // a sanitizer's heap stays as it is
  CHECK(in_child([] {
          const std::vector<std::string> before(1000, "allocated before");
          mailroom::FrozenMemory frozen;
          std::vector<std::string> filled;
          for (int i = 0; i < 5000; ++i)
            filled.push_back("a string that lies in the heap " + std::to_string(i));
          mailroom::settle_heap();
          frozen.freeze();
          const std::string after(100, 'x');

          const std::string name = "/memfd:frozen";
          if (!file_at(filled[2500].data()).starts_with(name)) return 1;
          if (file_at(before[500].data()).starts_with(name)) return 2;
          if (file_at(after.data()).starts_with(name)) return 3;
          const Table table;
          if (!file_at(*reinterpret_cast<void* const*>(&table)).starts_with(name)) return 4;
          for (int i = 0; i < 5000; ++i)
            if (filled[i] != "a string that lies in the heap " + std::to_string(i)) return 5;

          const int childs = in_child([&] {
            filled[2500][0] = 'A';
            return filled[2500][0] == 'A' && filled[2501][0] == 'a' ? 0 : 1;
          });
          if (childs != 0) return 6;
          return filled[2500][0] == 'a' ? 0 : 7;
        }) == 0);
}

TEST_CASE("what the heap has no use for takes no memory in the file", "[bare]") {
  if (::mallinfo2().arena == 0) return;
  CHECK(in_child([] {
          mailroom::FrozenMemory frozen;
          const std::vector<std::string> filled(1000, std::string(100, 'x'));
          auto hole = std::make_unique<std::string>(60000, 'x');
          const char* const in_hole = hole->data() + 30000;
          const std::vector<std::string> above(1000, std::string(100, 'x'));
          hole.reset();
          mailroom::settle_heap();
          frozen.freeze();
          if (!file_at(in_hole).starts_with("/memfd:frozen")) return 1;
          if (!is_in_memory(filled[500].data())) return 2;
          return is_in_memory(in_hole) ? 3 : 0;
        }) == 0);
}

TEST_CASE("nothing that could be frozen is no failure", "[bare]") {
  CHECK(in_child([] {
          mailroom::FrozenMemory{}.freeze();
          return 0;
        }) == 0);
}

TEST_CASE("nothing is left open of it", "[bare]") {
  CHECK(in_child([] {
          const int lowest = ::dup(0);
          ::close(lowest);
          mailroom::FrozenMemory frozen;
          std::vector<std::string> filled(5000, std::string(100, 'x'));
          mailroom::settle_heap();
          frozen.freeze();
          return ::dup(0) == lowest ? 0 : 1;
        }) == 0);
}

}  // namespace
