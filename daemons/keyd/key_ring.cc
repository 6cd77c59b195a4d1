#include "daemons/keyd/key_ring.h"

#include <algorithm>

#include "daemons/keyd/tls_shape.h"

namespace mailroom::keyd {

const tls::PrivateKey* KeyRing::find(const tls::KeyId& id) const {
  const auto found = std::ranges::find(keys_, id, &tls::PrivateKey::id);
  return found == keys_.end() ? nullptr : &*found;
}

void KeyRing::add(tls::PrivateKey key) {
  if (find(key.id()) == nullptr) keys_.push_back(std::move(key));
}

KeydToConnection KeyRing::answer(const Sign& request) const {
  const tls::PrivateKey* key = find(request.key);
  if (key == nullptr) return SignRefused{SignRefusal::unknown_key};
  if (!tls::scheme_fits(request.scheme, key->type())) return SignRefused{SignRefusal::wrong_scheme};
  if (request.to_be_signed.size() > kMaxToBeSigned ||
      !is_tls_shaped(request.scheme, request.to_be_signed, old_tls_))
    return SignRefused{SignRefusal::not_tls};
  return Signature{key->sign(request.scheme, request.to_be_signed)};
}

}  // namespace mailroom::keyd
