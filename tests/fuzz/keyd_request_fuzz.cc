// What a connection may send to keyd: a packet that decodes encodes to itself, and what gets a signature is
// TLS's.
#include <cstdlib>

#include "daemons/keyd/key_ring.h"
#include "daemons/keyd/tls_shape.h"
#include "libcommon/ipc/codec.h"

using namespace mailroom;

namespace {

const keyd::KeyRing& ring_with(tls::KeyId& id) {
  static tls::KeyId made{};
  static const keyd::KeyRing ring = [] {
    keyd::KeyRing fresh;
    tls::PrivateKey key = tls::PrivateKey::generate(tls::KeyType::ecdsa_p256);
    made = key.id();
    fresh.add(std::move(key));
    return fresh;
  }();
  id = made;
  return ring;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packet{reinterpret_cast<const char*>(data), size};
  auto request = ipc::decode<ConnectionToKeyd>(packet);
  if (!request) return 0;
  if (ipc::encode(*request) != packet) std::abort();
  auto& sign = std::get<Sign>(*request);
  const keyd::KeyRing& ring = ring_with(sign.key);
  const KeydToConnection answer = ring.answer(sign);
  if (std::holds_alternative<Signature>(answer) && !keyd::is_tls_shaped(sign.scheme, sign.to_be_signed))
    std::abort();
  return 0;
}
