// The file of trust anchors: each record that is taken is one line that can be read again as itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/dns/trust_anchor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailroom::dns;
  const auto anchors = parse_trust_anchors({reinterpret_cast<const char*>(data), size});
  if (!anchors) return 0;
  if (anchors->empty()) std::abort();
  std::string written;
  for (const std::string& anchor : *anchors) {
    for (const char c : anchor)
      if (c != '\t' && (c < ' ' || c > '~')) std::abort();
    written += anchor + "\n";
  }
  if (parse_trust_anchors(written) != anchors) std::abort();
  return 0;
}
