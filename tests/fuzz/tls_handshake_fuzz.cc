// The messages of a handshake as a connection's process tells them: what is read of them is in them and in
// its place, and no words of a stranger prove a certificate.
#include <cstdlib>
#include <string>

#include "libcommon/protocol/tls/handshake.h"
#include "libcommon/tls/certificate.h"
#include "libcommon/tls/client_verifier.h"

using namespace mailroom;

namespace {

bool is_within(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void check(bool condition) {
  if (!condition) std::abort();
}

void check_parts(const tls::Handshake& handshake, std::string_view octets) {
  const std::string_view rest = octets.substr(handshake.retried_hello.size());
  check(octets.starts_with(handshake.retried_hello));
  check(rest.starts_with(handshake.client_transcript));
  check(handshake.client_transcript.starts_with(handshake.server_transcript));
  check(is_within(handshake.server_certificate, handshake.server_transcript));
  check(is_within(handshake.server.signature, handshake.client_transcript));
  const std::string_view behind = rest.substr(handshake.client_transcript.size());
  check(is_within(handshake.client.signature, behind) && behind.ends_with(handshake.client.signature));
  check(!handshake.client_chain.empty() && handshake.client_chain.size() <= tls::kMaxClientChain);
  for (const std::string_view certificate : handshake.client_chain)
    check(!certificate.empty() && is_within(certificate, handshake.client_transcript));
}

const tls::ClientVerifier& verifier() {
  static const tls::ClientVerifier made =
      tls::ClientVerifier::make(
          tls::make_throwaway_identity(tls::KeyType::ecdsa_p256, "authority.invalid").chain_pem, "")
          .value();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets{reinterpret_cast<const char*>(data), size};
  const auto handshake = tls::read_handshake(octets);
  if (!handshake) return 0;
  check_parts(*handshake, octets);
  check(!verifier().verify({}, octets, std::chrono::sys_seconds{}));
  // As if keyd had signed it: so that the certificates are looked at.
  check(!verifier().verify_client(*handshake, std::chrono::sys_seconds{}));
  return 0;
}
