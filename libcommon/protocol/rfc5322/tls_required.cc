#include "libcommon/protocol/rfc5322/tls_required.h"

#include "libcommon/text/ascii.h"

namespace mailroom::rfc5322 {

bool TlsRequiredScan::says_no() {
  fields_.end();
  return fields_.count() == 1 && equals_ignoring_case(fields_.values().front(), "No");
}

}  // namespace mailroom::rfc5322
