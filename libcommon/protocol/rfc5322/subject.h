// The base subject of RFC 5256 section 2.1, for SORT and THREAD.
#pragma once

#include <string>
#include <string_view>

namespace mailroom::rfc5322 {

struct BaseSubject {
  std::string text;                  // still in its own case: comparisons fold it
  bool is_reply_or_forward = false;  // something that says so was removed

  bool operator==(const BaseSubject&) const = default;
};

// `subject` is unfolded and its encoded words are decoded.  Linear: "Re: " ten thousand times is read once.
BaseSubject base_subject(std::string_view subject);

}  // namespace mailroom::rfc5322
