#include "libcommon/policy/address.h"

#include "libcommon/protocol/smtp/address.h"
#include "libcommon/text/ascii.h"

namespace mailroom::policy {

std::optional<Address> parse_address(std::string_view path) {
  if (equals_ignoring_case(path, "postmaster")) return Address{"postmaster", ""};
  const auto mailbox = smtp::parse_mailbox(path);
  if (!mailbox || mailbox->domain.empty()) return std::nullopt;
  return Address{lower_case(mailbox->local_part), lower_case(mailbox->domain)};
}

bool asks_for_routing(const Address& address) {
  return address.local.find_first_of("%!@") != std::string::npos;
}

bool may_be_given(const Address& address) {
  return !address.domain.empty() && address.domain.front() != '[' && !asks_for_routing(address);
}

std::vector<std::string_view> local_part_forms(std::string_view local, std::string_view delimiters) {
  std::vector<std::string_view> forms{local};
  for (;;) {
    const std::size_t delimiter = local.find_last_of(delimiters);
    if (delimiter == std::string_view::npos || delimiter == 0) return forms;
    local = local.substr(0, delimiter);
    forms.push_back(local);
  }
}

bool is_own_or_detail_of(const Address& address, const Address& own, std::string_view delimiters) {
  if (address.domain != own.domain || !address.local.starts_with(own.local)) return false;
  if (address.local.size() == own.local.size()) return true;
  return delimiters.find(address.local[own.local.size()]) != std::string_view::npos;
}

}  // namespace mailroom::policy
