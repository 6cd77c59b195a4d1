#include "libcommon/policy/reverse_name.h"

#include <algorithm>

#include "libcommon/text/ascii.h"

namespace mailroom::policy {
namespace {

bool is_host_name(std::string_view name) {
  const auto is_part = [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; };
  return !name.empty() && name.size() <= kMaxNameLength && std::ranges::all_of(name, is_part) &&
         name.front() != '.' && name.find("..") == std::string_view::npos;
}

bool same_host(const IpAddress& a, const IpAddress& b) { return a.bytes == b.bytes; }

}  // namespace

std::vector<std::string> names_to_ask(const PtrAnswer& answer) {
  std::vector<std::string> names;
  for (std::string_view name : answer.names) {
    if (name.ends_with('.')) name.remove_suffix(1);
    std::string canonical = lower_case(name);
    if (!is_host_name(canonical) || std::ranges::find(names, canonical) != names.end()) continue;
    names.push_back(std::move(canonical));
    if (names.size() == kMaxNames) break;
  }
  return names;
}

ReverseNameFound confirm_names(const IpAddress& client, const PtrAnswer& ptr,
                               const std::vector<NameAnswer>& answers) {
  if (ptr.outcome == Lookup::failed) return {};
  const std::vector<std::string> names = names_to_ask(ptr);
  if (ptr.outcome == Lookup::absent || names.empty()) return {ReverseName::absent, {}};
  ReverseNameFound found;
  bool failed = answers.size() < names.size(), resolved = false;
  for (std::size_t i = 0; i < std::min(names.size(), answers.size()); ++i) {
    const auto& addresses = answers[i].addresses;
    failed = failed || answers[i].outcome == Lookup::failed;
    resolved = resolved || (answers[i].outcome == Lookup::found && !addresses.empty());
    const auto is_client = [&](const IpAddress& address) { return same_host(address, client); };
    if (answers[i].outcome == Lookup::found && std::ranges::any_of(addresses, is_client))
      found.names.push_back(names[i]);
  }
  found.outcome = !found.names.empty() ? ReverseName::confirmed
                  : failed             ? ReverseName::unknown
                  : resolved           ? ReverseName::elsewhere
                                       : ReverseName::unresolved;
  return found;
}

std::string words_of(const ReverseNameFound& found) {
  switch (found.outcome) {
  case ReverseName::confirmed:
    return found.names.front() + ", confirmed";
  case ReverseName::absent:
    return "the address has no PTR record";
  case ReverseName::unresolved:
    return "the names of its PTR records have no address";
  case ReverseName::elsewhere:
    return "the names of its PTR records lead to other addresses";
  case ReverseName::unknown:
    return "the DNS did not answer";
  }
  return "";
}

}  // namespace mailroom::policy
