// TLSRPT: where a domain wants its reports, by a TXT record of its own, and what such a destination leads to.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "libcommon/text/ascii.h"
#include "libcommon/text/host_name.h"
#include "libcommon/tlsrpt/report.h"

using namespace mailroom;
using namespace mailroom::tlsrpt;

namespace {

bool is_one_word(const std::string& text) { return std::ranges::all_of(text, is_visible); }

// stsd reads it back out of its parts, and takes only what comes out the same.
std::string uri(const WebTarget& target) {
  const std::string port = target.port == 0 ? "" : ":" + std::to_string(target.port);
  return "https://" + target.host + port + target.path;
}

void check(const std::string& destination) {
  const std::string address = mailto_address(destination);
  if (!is_one_word(address) || (!address.empty() && std::ranges::count(address, '@') != 1)) std::abort();
  const auto target = web_target(destination);
  if (!target) return;
  if (!is_full_host_name(target->host) || !target->path.starts_with('/') || !is_one_word(target->path))
    std::abort();
  if (web_target(uri(*target)) != target) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input{reinterpret_cast<const char*>(data), size};
  check(input);
  const auto destinations = report_destinations({input});
  if (destinations.size() > kMaxDestinations) std::abort();
  for (const std::string& destination : destinations) {
    if (destination.empty()) std::abort();
    check(destination);
  }
  return 0;
}
