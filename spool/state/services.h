// The services that an account may use, as bits and as words.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::state {

inline constexpr std::uint8_t kPop = 1, kImap = 2, kSubmission = 4, kKpop = 8, kAllServices = 15;

// What an account has unless it is said; KPOP is granted.
inline constexpr std::uint8_t kUsualServices = kPop | kImap | kSubmission;

struct ServiceWord {
  std::string_view word;
  std::uint8_t bit;
};
inline constexpr std::array kServiceWords{ServiceWord{"pop", kPop}, ServiceWord{"imap", kImap},
                                          ServiceWord{"submission", kSubmission}, ServiceWord{"kpop", kKpop}};

// "pop,imap"; "none" for no bit.
std::string service_words(std::uint8_t services);
// The reverse; nothing for an unknown word.
std::optional<std::uint8_t> parse_service_words(std::string_view words);

}  // namespace mailroom::state
