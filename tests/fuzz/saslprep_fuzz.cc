// Passwords in any octets: what has a prepared form has one only, in UTF-8 and without control characters.
#include <cstdint>
#include <cstdlib>

#include "libcommon/protocol/sasl/utf8.h"
#include "libcommon/text/saslprep.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailroom;
  static const bool prepared = (prepare_saslprep(), true);
  const auto result = saslprep({reinterpret_cast<const char*>(data), size});
  if (!prepared || !result) return 0;
  for (const char c : *result)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') std::abort();
  if (!is_utf8(*result) || saslprep(*result) != *result) std::abort();
  return 0;
}
