#include "libcommon/protocol/sasl/credentials.h"

#include "libcommon/protocol/sasl/utf8.h"

namespace mailroom::sasl {

bool is_possible_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || !is_utf8(name)) return false;
  for (const char c : name) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) return false;
  }
  return true;
}

bool is_possible_password(std::string_view password) {
  return !password.empty() && password.size() <= kMaxPassword &&
         password.find('\0') == std::string_view::npos;
}

}  // namespace mailroom::sasl
