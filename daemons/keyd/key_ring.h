// The keys that keyd holds, and what may be had of them.
#pragma once

#include <vector>

#include "daemons/channels/keyd.h"
#include "daemons/keyd/tls_shape.h"
#include "libcommon/tls/key.h"

namespace mailroom::keyd {

class KeyRing {
 public:
  explicit KeyRing(OldTls old_tls = OldTls::refused) : old_tls_{old_tls} {}

  // The same key twice (a certificate under several names) is kept once.
  void add(tls::PrivateKey key);

  // The signature, or why there is none: the key is not here, cannot make such a signature, or the octets are
  // not what TLS signs.  Depends on nothing but the request.
  KeydToConnection answer(const Sign& request) const;

 private:
  const tls::PrivateKey* find(const tls::KeyId& id) const;
  OldTls old_tls_;
  std::vector<tls::PrivateKey> keys_;
};

}  // namespace mailroom::keyd
