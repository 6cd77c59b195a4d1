// The file of held destinations, whatever a disk gives back: what it says can be written and is said again.
#include <cstdint>
#include <cstdlib>

#include "spool/queue/destination_holds.h"
#include "tests/unit/queue/memory_storage.h"

using namespace mailroom::queue;

namespace {

std::set<std::string> keys_in(Storage& storage) {
  const auto holds = DestinationHolds::read(storage);
  if (!holds) std::abort();
  return holds->keys();
}

void write_again(Storage& storage) {
  constexpr const char* kAnother = "another.example";
  auto holds = DestinationHolds::read(storage);
  const bool was_held = holds->keys().contains(kAnother);
  if (holds->hold(kAnother) != 0 || keys_in(storage) != holds->keys()) std::abort();
  if (!was_held && holds->release(kAnother) != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::MemoryStorage storage;
  const std::string_view content{reinterpret_cast<const char*>(data), size};
  if ((*storage.create(kHoldsFile))->write({&content, 1}, 0) != 0) std::abort();
  const auto keys = keys_in(storage);
  for (const std::string& key : keys)
    if (key.empty() || key.contains('\n')) std::abort();
  write_again(storage);
  if (keys_in(storage) != keys) std::abort();
  return 0;
}
