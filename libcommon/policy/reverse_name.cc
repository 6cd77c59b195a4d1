#include "libcommon/policy/reverse_name.h"

#include <algorithm>

#include "libcommon/dns/name.h"
#include "libcommon/text/ascii.h"

namespace mailroom::policy {
namespace {

bool same_host(const IpAddress& a, const IpAddress& b) { return a.bytes == b.bytes; }

}  // namespace

std::vector<std::string> names_to_ask(const dns::Answer& ptr) {
  std::vector<std::string> names;
  for (std::string_view name : ptr.names) {
    if (name.ends_with('.')) name.remove_suffix(1);
    std::string canonical = lower_case(name);
    if (!dns::is_domain_name(canonical) || std::ranges::find(names, canonical) != names.end()) continue;
    names.push_back(std::move(canonical));
    if (names.size() == kMaxNames) break;
  }
  return names;
}

ReverseNameFound confirm_names(const IpAddress& client, const dns::Answer& ptr,
                               const std::vector<dns::Answer>& answers) {
  if (ptr.outcome == dns::Outcome::failed) return {};
  const std::vector<std::string> names = names_to_ask(ptr);
  if (names.empty()) return {ReverseName::absent, {}, ptr.ttl};
  ReverseNameFound found{ReverseName::unresolved, {}, ptr.ttl};
  bool failed = answers.size() < names.size();
  for (std::size_t i = 0; i < std::min(names.size(), answers.size()); ++i) {
    const dns::Answer& answer = answers[i];
    if (answer.outcome == dns::Outcome::failed) {
      failed = true;
      continue;
    }
    found.ttl = std::min(found.ttl, answer.ttl);
    const auto is_client = [&](const IpAddress& address) { return same_host(address, client); };
    if (std::ranges::any_of(answer.addresses, is_client)) found.names.push_back(names[i]);
    if (!answer.addresses.empty()) found.outcome = ReverseName::elsewhere;
  }
  if (!found.names.empty()) {
    found.outcome = ReverseName::confirmed;
    found.incomplete = failed;
    if (failed) found.ttl = 0;
  } else if (failed) {
    found = {};
  }
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
