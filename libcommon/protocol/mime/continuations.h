// Parameter value continuations (RFC 2231 3 and 4.1).
#pragma once

#include <vector>

#include "libcommon/protocol/mime/content.h"

namespace mailroom::mime {

// name*0=a; name*1=b becomes name=ab; if a piece is encoded (name*1*=) it becomes name*=, its plain pieces
// percent-encoded.  The pieces may come in any order.  Where one is missing or there twice all of that name
// stay as they are.  Takes n log n time.
std::vector<Parameter> join_continuations(std::vector<Parameter> parameters);

}  // namespace mailroom::mime
