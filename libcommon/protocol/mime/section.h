// The sections that FETCH BODY[...] names (RFC 3501 6.4.5), as ranges of the message's octets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "libcommon/protocol/mime/message.h"

namespace mailroom::mime {

enum class SectionKind {
  whole,   // BODY[], BODY[1.2]
  header,  // BODY[HEADER], BODY[1.HEADER]; HEADER.FIELDS is rfc5322::select_fields of it
  text,    // BODY[TEXT], BODY[1.TEXT]
  mime,    // BODY[1.MIME]
};

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  bool operator==(const Range&) const = default;
};

// Part numbers from 1, as in "1.2.3"; an empty path is the message itself.  Nothing if there is no such
// section: FETCH then says NIL.  HEADER and TEXT of a numbered part exist only for message/rfc822; MIME needs
// a part number.
std::optional<Range> find_section(const Message& message, std::span<const std::uint32_t> path,
                                  SectionKind kind);

// The part that a path names, or nothing.
const Part* find_part(const Message& message, std::span<const std::uint32_t> path);

}  // namespace mailroom::mime
