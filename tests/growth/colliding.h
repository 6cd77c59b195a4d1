// Texts of which std::hash of libstdc++ (MurmurHash64A with a known seed) is the same: as many as one likes.
// A hash table with the texts of strangers for keys could be made a list with them (SECURITY.md V10).
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

namespace mailroom::growth {

// Of 16 octets; different ones for different numbers.
inline std::string colliding_text(std::uint64_t number) {
  constexpr std::uint64_t kFactor = 0xc6a4a7935bd1e995;
  constexpr std::uint64_t kSeed = 0xc70f6907;
  constexpr std::uint64_t kSize = 2 * sizeof(std::uint64_t);
  constexpr std::uint64_t kInverse = [] {  // of kFactor modulo 2^64, by Newton's method
    std::uint64_t inverse = kFactor;
    for (int i = 0; i < 6; ++i) inverse *= 2 - kFactor * inverse;
    return inverse;
  }();
  static_assert(kInverse * kFactor == 1);
  const auto mix = [](std::uint64_t value) { return value ^ (value >> 47U); };  // its own inverse

  // Each block is mixed into the state by an operation that can be undone: the second takes it back to 0.
  const std::uint64_t state = ((kSeed ^ (kSize * kFactor)) ^ (mix(number * kFactor) * kFactor)) * kFactor;
  const std::uint64_t blocks[] = {number, mix(state * kInverse) * kInverse};
  std::string text(kSize, '\0');
  std::memcpy(text.data(), blocks, kSize);
  return text;
}

}  // namespace mailroom::growth
