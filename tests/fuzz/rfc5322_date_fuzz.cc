// Dates: what has been read is real, and written out it is read as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/protocol/rfc5322/date_time.h"

using namespace mailroom::rfc5322;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto date = parse_date_time({reinterpret_cast<const char*>(data), size});
  if (!date) return 0;
  if (parse_date_time(format_date_time(*date)) != date) std::abort();
  const auto again = to_date_time(unix_seconds(*date), date->zone_minutes);
  if (date->second < 60 && date->year > 1900 && date->year < 9999 && again != *date) std::abort();
  return 0;
}
