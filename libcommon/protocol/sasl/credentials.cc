#include "libcommon/protocol/sasl/credentials.h"

#include <algorithm>

#include "libcommon/protocol/sasl/utf8.h"
#include "libcommon/text/ascii.h"

namespace mailroom::sasl {

bool is_possible_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || !is_utf8(name)) return false;
  return std::none_of(name.begin(), name.end(), is_control);
}

bool is_possible_password(std::string_view password) {
  return !password.empty() && password.size() <= kMaxPassword &&
         password.find('\0') == std::string_view::npos;
}

}  // namespace mailroom::sasl
