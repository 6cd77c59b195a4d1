// Records of the shared state and of the passwords: bytes from a damaged disk, and payloads under a right
// check.  What decodes is what would be written again.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "daemons/authd/secret_store.h"
#include "spool/state/directory.h"
#include "spool/state/record.h"

using namespace mailroom;

namespace {

constexpr std::string_view kKey = "key";

template <typename T>
void check(std::string_view bytes) {
  if (state::decode_record<T>(kKey, bytes)) {
    const auto value = state::decode_record<T>(kKey, bytes);
    if (state::encode_record(kKey, *value) != bytes) std::abort();
  }
  const std::string sealed = state::seal_record(kKey, bytes);
  const auto value = state::decode_record<T>(kKey, sealed);
  if (value && state::encode_record(kKey, *value) != sealed) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  check<state::Account>(bytes);
  check<std::vector<state::AccountId>>(bytes);
  check<state::Errand>(bytes);
  check<std::uint32_t>(bytes);
  check<std::string>(bytes);
  check<policy::Registration>(bytes);
  check<policy::DeviceHistory>(bytes);
  check<state::Permissions>(bytes);
  check<state::Grant>(bytes);
  check<state::StsRecord>(bytes);
  check<state::TlsResult>(bytes);
  check<state::TlsReached>(bytes);
  check<state::LimitUse>(bytes);
  check<state::DeviceReports>(bytes);
  check<std::uint64_t>(bytes);
  check<authd::PasswordFacts>(bytes);
  check<authd::StoredCredentials>(bytes);
  return 0;
}
