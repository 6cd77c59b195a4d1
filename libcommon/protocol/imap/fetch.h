// The arguments of FETCH (RFC 3501 section 6.4.5, RFC 7162 section 3.1.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/protocol/imap/scanner.h"
#include "libcommon/protocol/imap/sequence_set.h"

namespace mailroom::imap {

// The data items that are no BODY[...], as bits.
enum FetchItem : std::uint32_t {
  kFetchFlags = 1,
  kFetchUid = 2,
  kFetchInternalDate = 4,
  kFetchSize = 8,
  kFetchEnvelope = 16,
  kFetchBody = 32,
  kFetchBodyStructure = 64,
  kFetchModSequence = 128,
};

// What is between the brackets of BODY[...].
struct Section {
  enum class Text { whole, header, header_fields, header_fields_not, text, mime };
  std::vector<std::uint32_t> parts;  // empty: the message itself
  Text text = Text::whole;
  std::vector<std::string> fields;  // of header_fields and header_fields_not
  bool operator==(const Section&) const = default;
};

// "<first.count>"
struct Partial {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool operator==(const Partial&) const = default;
};

enum class SetsSeen : bool { no, yes };

struct FetchSection {
  Section section;
  std::optional<Partial> partial;
  SetsSeen sets_seen = SetsSeen::yes;
  std::string label;  // how the answer names it: "BODY[1.MIME]<0>", "RFC822.TEXT"
};

struct FetchRequest {
  SequenceSet set;
  std::uint32_t items = 0;  // of FetchItem
  std::vector<FetchSection> sections;
  std::optional<std::uint64_t> changed_since;
};

// What follows "FETCH ".
FetchRequest parse_fetch(Scanner& in);

}  // namespace mailroom::imap
