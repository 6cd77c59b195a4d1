#include <catch2/catch.hpp>
#include <malloc.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "libcommon/sys/heap.h"

namespace {

TEST_CASE("after settling, new blocks come from the end of the heap", "[bare]") {
  std::vector<std::unique_ptr<char[]>> blocks;
  for (int i = 0; i < 2000; ++i) blocks.push_back(std::make_unique<char[]>(64 + i % 700));
  for (std::size_t i = 0; i < blocks.size(); i += 2) blocks[i].reset();

  mailroom::settle_heap();

  const char* const end = static_cast<const char*>(::sbrk(0)) - ::mallinfo2().keepcost;
  for (const std::size_t size : {16, 64, 500, 5000, 40000})
    CHECK(std::make_unique<char[]>(size).get() >= end);
}

}  // namespace
