// is_tls_shaped says yes to nothing but the two forms, written here a second time.
#include <cstdlib>
#include <string>

#include "daemons/keyd/tls_shape.h"

using namespace mailroom;

namespace {

bool looks_like_tls(std::string_view bytes) {
  const std::string tls13 = std::string(64, ' ') + "TLS 1.3, server CertificateVerify" + '\0';
  if (bytes.starts_with(tls13)) return bytes.size() == tls13.size() + 32 || bytes.size() == tls13.size() + 48;
  const bool sized =
      bytes.size() == 64 + 4 + 32 || bytes.size() == 64 + 4 + 65 || bytes.size() == 64 + 4 + 97;
  return sized && bytes.substr(56, 7) == "DOWNGRD" && bytes[63] == 1 && bytes[64] == 3;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  for (int i = 0; i <= static_cast<int>(tls::SignatureScheme::kLast); ++i)
    if (keyd::is_tls_shaped(static_cast<tls::SignatureScheme>(i), bytes) && !looks_like_tls(bytes))
      std::abort();
  return 0;
}
