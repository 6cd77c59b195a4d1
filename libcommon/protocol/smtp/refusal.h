// Why a command is not taken, as the reply to give: the texts are fixed strings and say what the client
// should do.
#pragma once

#include <cstdint>
#include <string_view>

namespace mailroom::smtp {

struct Refusal {
  std::uint16_t code;
  std::string_view enhanced;
  std::string_view text;

  bool operator==(const Refusal&) const = default;
};

}  // namespace mailroom::smtp
