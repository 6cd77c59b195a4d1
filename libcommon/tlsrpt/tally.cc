#include "libcommon/tlsrpt/tally.h"

#include <algorithm>

namespace mailroom::tlsrpt {

std::string_view policy_type_name(PolicyType type) {
  constexpr std::string_view kNames[] = {"no-policy-found", "tlsa", "sts"};
  return kNames[static_cast<unsigned>(type)];
}

void Tally::add_failure(Failure failure) {
  failed += failure.sessions;
  failure.detail.resize(std::min(failure.detail.size(), kMaxDetail));
  const auto same =
      std::ranges::find_if(failures, [&](const Failure& known) { return known.is_like(failure); });
  if (same != failures.end()) {
    same->sessions += failure.sessions;
  } else if (failures.size() < kMaxFailureRows) {
    failures.push_back(std::move(failure));
  } else {
    failures.back().sessions += failure.sessions;
  }
}

}  // namespace mailroom::tlsrpt
