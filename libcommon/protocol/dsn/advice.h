// Status codes (RFC 3463, RFC 5248) in words that the sender of a message understands.
#pragma once

#include <span>
#include <string_view>

namespace mailroom::dsn {

struct Advice {
  std::string_view detail;  // the code without its class: "1.1"; "1" for all of that subject; empty for all
  std::string_view what;    // happened; $DOMAIN stands for the recipient's domain
  std::string_view to_do;   // for a failure that is final
};

// The most exact row for a status such as "5.1.1".
const Advice& advice_for(std::string_view status);

std::span<const Advice> all_advice();

// class "." subject "." detail, each a number without leading zeros (RFC 3463 section 2).
bool is_status(std::string_view text);

}  // namespace mailroom::dsn
