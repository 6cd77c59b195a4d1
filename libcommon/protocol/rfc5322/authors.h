// Who a message says it is from.  Pure and linear: queued runs it on what a stranger or a user sends.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::rfc5322 {

struct Authors {
  std::size_t fields = 0;   // From fields; RFC 5322 3.6 wants exactly one
  bool well_formed = true;  // every From and Sender field is an address list by the RFC, all of it below
  // Of all From and Sender fields: local part without quotes, '@', domain as written.  Sender names who sends
  // for the authors (RFC 5322 3.6.2), and readers show it.
  std::vector<std::string> addresses;

  // One From field that two readers cannot understand differently.
  bool unambiguous() const { return fields == 1 && well_formed && !addresses.empty(); }
};

// `text` begins with a header; a body may follow.  Every field of the header is looked at, however many; at
// most kMaxAddresses are returned.
Authors from_authors(std::string_view text);

}  // namespace mailroom::rfc5322
