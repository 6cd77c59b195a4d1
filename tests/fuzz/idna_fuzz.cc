// Domains of other scripts: what has A-labels is a domain name that the DNS can be asked for, and stands for
// itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/dns/name.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/idna.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailroom;
  static const bool prepared = (prepare_idna(), true);
  const std::string_view domain{reinterpret_cast<const char*>(data), size};
  const auto labels = to_a_labels(domain);
  if (!prepared || !labels) return 0;
  constexpr std::size_t kMaxName = 253;  // RFC 1035 2.3.4
  if (labels->empty() || labels->size() > kMaxName || lower_case(*labels) != *labels) std::abort();
  if (to_a_labels(*labels) != *labels) std::abort();
  const bool converted = *labels != lower_case(domain);
  const std::string_view name = labels->ends_with('.')
                                    ? std::string_view{*labels}.substr(0, labels->size() - 1)
                                    : std::string_view{*labels};
  if (converted && !dns::is_domain_name(name)) std::abort();
  return 0;
}
