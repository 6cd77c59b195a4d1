// A TLSA record's data, which should be a whole certificate or key in DER.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/routing/der_shape.h"

using namespace mailroom::routing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  for (const auto has_shape : {has_shape_of_certificate, has_shape_of_key})
    if (has_shape(input) && (has_shape(input.substr(0, size - 1)) || has_shape(std::string{input} + '\0')))
      std::abort();  // one length alone is the right one
  if (has_shape_of_certificate(input) && has_shape_of_key(input)) std::abort();
  return 0;
}
