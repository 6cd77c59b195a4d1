// Addresses and login names as strangers spell them: one form each, no routing past the check, no path in a
// name.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libcommon/policy/address.h"
#include "libcommon/policy/login_name.h"

using namespace mailroom::policy;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_name(std::string_view text) {
  const auto name = canonical_login_name(text);
  if (!name) return;
  require(canonical_login_name(*name) == *name);
  require(name->find("..") == std::string::npos && name->front() != '/' && name->front() != '.');
  require(name->size() == text.size());
  for (const char c : *name) require(c > ' ' && c < '\x7f');
}

void check_address(std::string_view text) {
  const auto address = parse_address(text);
  if (!address) return;
  require(address->local.find('\0') == std::string::npos && address->local.find('\n') == std::string::npos);
  require(address->domain.find('@') == std::string::npos);
  if (!asks_for_routing(*address)) require(address->local.find('@') == std::string::npos);
  const auto forms = local_part_forms(address->local, "+");
  require(!forms.empty() && forms.front() == address->local);
  for (const auto form : forms) require(address->local.starts_with(form));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check_name(text);
  check_address(text);
  return 0;
}
