#include "libcommon/protocol/rfc5322/delivered_to.h"

#include <algorithm>

#include "libcommon/text/ascii.h"

namespace mailroom::rfc5322 {

bool DeliveredToScan::names(std::string_view address) const {
  return !address.empty() && std::ranges::any_of(fields_.values(), [&](const std::string& value) {
    return equals_ignoring_case(value, address);
  });
}

}  // namespace mailroom::rfc5322
