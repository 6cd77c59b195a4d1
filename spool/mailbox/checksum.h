// CRC-32C (Castagnoli, RFC 3720 appendix B.4): finds a file that is not what was written.  No defence against
// its owner.
#pragma once

#include <cstdint>
#include <string_view>

namespace mailroom::mailbox {

class Checksum {
 public:
  void add(std::string_view bytes) noexcept;
  std::uint32_t value() const noexcept { return ~state_; }

 private:
  std::uint32_t state_ = 0xFFFFFFFF;
};

inline std::uint32_t checksum(std::string_view bytes) noexcept {
  Checksum sum;
  sum.add(bytes);
  return sum.value();
}

}  // namespace mailroom::mailbox
