// A client's two messages of SCRAM: what is taken can be put together again to what was sent, within the
// limits.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/protocol/sasl/scram.h"
#include "libcommon/text/base64.h"

using namespace mailroom;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(std::string_view message, const sasl::ScramClientFirst& first) {
  require(first.gs2_header + first.bare == message);
  require(!first.name.empty() && !first.nonce.empty() && first.nonce.size() <= sasl::kMaxScramNonce);
  require(first.nonce.find(',') == first.nonce.npos);
  require(first.name.find('\0') == first.name.npos);
  require((first.binding == sasl::ScramClientFirst::Binding::used) == !first.binding_type.empty());
}

void check(std::string_view message, const sasl::ScramClientFinal& final) {
  require(final.without_proof + ",p=" + encode_base64(final.proof) == message);
  require(final.without_proof.starts_with("c=" + encode_base64(final.channel_binding) + ",r=" + final.nonce));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message{reinterpret_cast<const char*>(data), size};
  if (const auto first = sasl::parse_scram_client_first(message)) check(message, *first);
  if (const auto final = sasl::parse_scram_client_final(message)) check(message, *final);
  return 0;
}
