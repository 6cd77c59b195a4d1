// Patterns of LIST and LSUB (RFC 3501 section 6.3.8): `*` matches anything, `%` anything but the separator.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <string_view>

#include "libcommon/protocol/imap/limits.h"

namespace mailroom::imap {

// Matching looks at each octet of a name once and keeps the set of places in the pattern which are still
// possible: linear in the name, whatever the pattern (SECURITY.md V10).  32 KiB; one for each LIST command.
class ListPattern {
 public:
  // Both in UTF-8, `pattern` at most kMaxListPattern octets (the rest is ignored).
  ListPattern(std::string_view pattern, char separator);

  bool matches(std::string_view name) const;

  // Whether some name below `parent` could match: `parent` plus separator leads to a place from which a match
  // is possible.
  bool matches_below(std::string_view parent) const;

 private:
  using Places = std::bitset<kMaxListPattern + 1>;
  Places start() const;
  Places step(const Places& places, char c) const;
  Places through_wildcards(const Places& places) const;

  std::array<Places, 256> literal_;  // for each octet, the places where the pattern wants it
  Places any_;                       // places of `*`
  Places level_;                     // places of `%`
  std::size_t end_ = 0;
  char separator_;
};

}  // namespace mailroom::imap
