// What a message lacks when its program left it to the submission server (RFC 6409 section 8).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom::rfc5322 {

struct Completion {
  std::int64_t now = 0;  // seconds since 1970
  std::string id;        // of the message, unlike all others: letters and digits
  std::string host;      // this one's name
};

// The fields Date (8.1) and Message-ID (8.2) that `header` does not have, as lines; empty when it has both.
// A From is never made up: who wrote a message must be said by its author.
std::string missing_fields(std::string_view header, const Completion& completion);

}  // namespace mailroom::rfc5322
