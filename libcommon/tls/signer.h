// Who makes the signatures of a handshake: keyd at the other end of a channel, or a key in a test.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "libcommon/tls/key.h"

namespace mailroom::tls {

class Signer {
 public:
  virtual ~Signer() = default;

  // Signs a handshake's octets, as they are before hashing; the error says in words why not.  May block, for
  // a bounded time.
  virtual std::expected<std::string, std::string> sign(const KeyId& key, SignatureScheme scheme,
                                                       std::string_view to_be_signed) noexcept = 0;
};

// Signs with a key at hand.
class LocalSigner : public Signer {
 public:
  explicit LocalSigner(const PrivateKey& key) : key_{key} {}
  std::expected<std::string, std::string> sign(const KeyId& key, SignatureScheme scheme,
                                               std::string_view to_be_signed) noexcept override;

 private:
  const PrivateKey& key_;
};

// Where the keys of a ServerContext find their signer; bound anew in each forked child.
struct SignerSlot {
  Signer* signer = nullptr;
  std::string failure;  // why the last signature was not made; empty if it was
};

}  // namespace mailroom::tls
