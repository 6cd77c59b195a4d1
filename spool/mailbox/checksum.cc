#include "spool/mailbox/checksum.h"

#include <array>
#include <cstddef>
#include <cstring>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace mailroom::mailbox {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reflected

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? kPolynomial : 0);
    table[i] = value;
  }
  return table;
}

constexpr auto kTable = make_table();

std::uint32_t add_by_table(std::uint32_t state, std::string_view bytes) noexcept {
  for (const char byte : bytes)
    state = kTable[(state ^ static_cast<unsigned char>(byte)) & 0xFF] ^ state >> 8;
  return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t add_by_instruction(std::uint32_t state,
                                                                   std::string_view bytes) noexcept {
  std::uint64_t wide = state;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    wide = _mm_crc32_u64(wide, word);
  }
  return add_by_table(static_cast<std::uint32_t>(wide), bytes);
}
#endif

}  // namespace

void Checksum::add(std::string_view bytes) noexcept {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) {
    state_ = add_by_instruction(state_, bytes);
    return;
  }
#endif
  state_ = add_by_table(state_, bytes);
}

}  // namespace mailroom::mailbox
