#include <malloc.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "libcommon/sys/set_up_memory.h"

namespace {

struct Resident {
  long all = 0, own = 0;  // KiB
  long of_files() const { return all - own; }
};

Resident resident() {
  Resident sum;
  std::ifstream rollup{"/proc/self/smaps_rollup"};
  for (std::string word; rollup >> word;) {
    if (word == "Rss:") rollup >> sum.all;
    if (word == "Anonymous:") rollup >> sum.own;
  }
  return sum;
}

TEST_CASE("freed blocks below one in use, and code and constants that nobody uses, are given back") {
  if (::mallinfo2().arena == 0) return;  // a sanitizer's heap stays as it is
  std::vector<std::string> blocks(4000, std::string(1000, 'x'));
  blocks.erase(blocks.begin(), blocks.end() - 1);
  const Resident before = resident();
  mailroom::give_back_set_up_memory();
  const Resident after = resident();
  CHECK(after.own < before.own - 3000);
  CHECK(after.of_files() < before.of_files() / 2);
  CHECK(blocks.front() == std::string(1000, 'x'));
}

}  // namespace
