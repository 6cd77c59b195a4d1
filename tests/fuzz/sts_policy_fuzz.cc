// MTA-STS: a TXT record, a policy file, and a host name against its patterns.  The first line is the record
// and the host.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "libcommon/routing/sts_policy.h"
#include "libcommon/text/host_name.h"

using namespace mailroom;
using namespace mailroom::routing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const std::size_t end = std::min(input.find('\n'), size);
  const std::string first{input.substr(0, end)};
  const auto label = sts_label({first});
  if (label && (label->empty() || label->size() > kMaxStsLabel)) std::abort();
  const auto policy = parse_sts_policy(input.substr(std::min(end + 1, size)));
  if (!policy) return 0;
  if (policy->mx.size() > kMaxStsMx || policy->max_age > kMaxStsMaxAge) std::abort();
  for (const std::string& pattern : policy->mx)
    if (!is_host_name(pattern.starts_with("*.") ? pattern.substr(2) : pattern) ||
        !sts_allows(*policy, pattern.starts_with('*') ? "a" + pattern.substr(1) : pattern))
      std::abort();
  (void)sts_allows(*policy, first);
  return 0;
}
