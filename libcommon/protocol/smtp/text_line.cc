#include "libcommon/protocol/smtp/text_line.h"

#include <cstring>

namespace mailroom::smtp {

TextScan scan_text_line(const char* at, const char* end) {
  using Stop = TextScan::Stop;
  const auto* lf = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
  const char* const limit = lf != nullptr ? lf : end;
  const auto* cr = static_cast<const char*>(std::memchr(at, '\r', static_cast<std::size_t>(limit - at)));
  if (lf != nullptr) return {lf + 1, cr != nullptr && cr == lf - 1 ? Stop::end_of_line : Stop::bare};
  if (cr == nullptr) return {end, Stop::end_of_input};
  return {end, cr == end - 1 ? Stop::after_cr : Stop::bare};
}

}  // namespace mailroom::smtp
