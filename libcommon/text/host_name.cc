#include "libcommon/text/host_name.h"

#include <algorithm>

#include "libcommon/text/ascii.h"

namespace mailroom {
namespace {

bool is_label(std::string_view label, Underscores underscores) {
  const auto is_part = [=](char c) {
    return is_alnum(c) || c == '-' || (c == '_' && underscores == Underscores::allowed);
  };
  return !label.empty() && label.size() <= kMaxHostLabel && !label.starts_with('-') &&
         !label.ends_with('-') && std::ranges::all_of(label, is_part);
}

}  // namespace

bool is_host_name(std::string_view name, Underscores underscores) {
  if (name.size() > kMaxHostName) return false;
  for (;;) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (!is_label(label, underscores)) return false;
    if (dot == name.npos) return is_alpha(label.front());
    name.remove_prefix(dot + 1);
  }
}

bool is_full_host_name(std::string_view name, Underscores underscores) {
  return name.find('.') != name.npos && is_host_name(name, underscores);
}

}  // namespace mailroom
