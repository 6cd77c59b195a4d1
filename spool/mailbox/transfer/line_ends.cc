#include "spool/mailbox/transfer/line_ends.h"

#include <algorithm>

namespace mailroom::mailbox {

std::string to_wire(std::string_view local) {
  std::string wire;
  wire.reserve(local.size() + static_cast<std::size_t>(std::ranges::count(local, '\n')));
  while (!local.empty()) {
    const auto end = local.find('\n');
    if (end == std::string_view::npos) return wire.append(local);
    wire.append(local.substr(0, end));
    wire.append(local.substr(0, end).ends_with('\r') ? "\n" : "\r\n");
    local.remove_prefix(end + 1);
  }
  return wire;
}

std::string to_local(std::string_view wire) {
  std::string local;
  local.reserve(wire.size());
  while (!wire.empty()) {
    const auto end = wire.find("\r\n");
    if (end == std::string_view::npos) return local.append(wire);
    local.append(wire.substr(0, end)).push_back('\n');
    wire.remove_prefix(end + 2);
  }
  return local;
}

}  // namespace mailroom::mailbox
