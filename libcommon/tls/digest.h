// SHA-256, for whoever names or checks bytes by their hash.  No allocation after construction, no file is
// opened.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

struct SHA256state_st;

namespace mailroom {

using Sha256Digest = std::array<std::uint8_t, 32>;

Sha256Digest sha256(std::string_view bytes);

// The digest of bytes that arrive in pieces.  `finish` gives the digest and begins anew.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();
  void update(std::string_view bytes);
  Sha256Digest finish();

 private:
  std::unique_ptr<SHA256state_st> state_;
};

// Compares in a time that depends on the lengths alone.  For anything that is secret or proves something.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

// Overwrites memory in a way that the compiler does not leave out.
void cleanse(void* memory, std::size_t size) noexcept;

}  // namespace mailroom
