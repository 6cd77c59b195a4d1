// The configuration: whatever is in the file, it is read without harm; what is taken shows as a file that
// means the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemons/config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailroom;
  const auto config = config::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!config) {
    if (config.error().empty()) std::abort();
    return 0;
  }
  const auto again = config::parse(config::show(*config), "again");
  if (!again || *again != *config) std::abort();
  return 0;
}
