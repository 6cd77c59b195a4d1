// A file of devices: what is read is written and read again the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tools/device_fields.h"

using namespace mailroom;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto devices = parse_device_csv({reinterpret_cast<const char*>(data), size});
  if (!devices) {
    if (devices.error().empty()) std::abort();
    return 0;
  }
  std::string text = device_csv_header() + "\n";
  for (const policy::Registration& device : *devices) text += device_csv_line(device) + "\n";
  const auto again = parse_device_csv(text);
  if (!again || *again != *devices) std::abort();
  return 0;
}
