// SHA-256, for whoever names or checks bytes by their hash.  No allocation after construction, no file is
// opened.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

struct evp_md_ctx_st;

namespace mailroom {

using Sha256Digest = std::array<std::uint8_t, 32>;

Sha256Digest sha256(std::string_view bytes);

// The digest of bytes that arrive in pieces.  `finish` gives the digest and begins anew.
class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  Sha256Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Compares in a time that depends on the lengths alone.  For anything that is secret or proves something.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

// Overwrites memory in a way that the compiler does not leave out.
void cleanse(void* memory, std::size_t size) noexcept;

}  // namespace mailroom
