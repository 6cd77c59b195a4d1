// The header of an Internet message (RFC 5322 2.2), as ranges of the text that it lies in.
//
// Lines end with LF, with or without CR before it: what is stored is in wire form, what a tool imports may
// not be.  The header ends with the first empty line, or with the text.  Nothing here fails: hostile input
// gives odd fields, never more of them than it has lines.  All of it takes time linear in the text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::rfc5322 {

// What is looked at for its meaning (ENVELOPE, MIME fields, SEARCH by field).  RFC 5322 sets no limit;
// SECURITY.md V8. Octets beyond still belong to the header and are handed out with it.
inline constexpr std::size_t kMaxHeaderOctets = 256 * 1024;
inline constexpr std::size_t kMaxFields = 1000;

struct Field {
  std::string_view name;   // without blanks before the colon; empty for a line that is no field (no colon)
  std::string_view value;  // what follows the colon, still folded, without the last line end
  std::string_view lines;  // all octets of the field with its line ends
};

class FieldScanner {
 public:
  // `text` begins with a header; a body may follow.
  explicit FieldScanner(std::string_view text) : text_{text} {}

  // The next field, or nothing at the end of the header.
  std::optional<Field> next();

  // Where the scanner stands; after the last field: the octets of the header with the empty line that ends
  // it.
  std::size_t position() const { return position_; }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
  bool ended_ = false;
};

// Octets of the header at the start of `text`, with the empty line.
std::size_t header_size(std::string_view text);

// The fields that have a meaning to us: named, at most kMaxFields, whole within the first `max_octets`.
std::vector<Field> index_fields(std::string_view text, std::size_t max_octets = kMaxHeaderOctets);

// The first field of that name.
std::optional<Field> find_field(std::string_view text, std::string_view name);

// The value on one line (RFC 5322 2.2.3: line ends go, the blanks after them stay), without blanks at its
// ends.
std::string unfold(std::string_view value);

// HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 3501 6.4.5): the lines of the fields that are (not) in `names`, in
// their order, and an empty line.
enum class FieldChoice { named, all_others };
std::string select_fields(std::string_view text, const std::vector<std::string>& names, FieldChoice choice);

// Gathers a header that arrives in pieces.
class HeaderCollector {
 public:
  enum class State { need_more, complete, too_long };

  explicit HeaderCollector(std::size_t limit = kMaxHeaderOctets) : limit_{limit} {}

  // Takes the next piece of the message.  Once complete or too long, pieces are ignored.
  State feed(std::string_view piece);

  // When complete: the header with its empty line.  Before: what came so far (a message may end within its
  // header).
  std::string_view header() const { return header_; }

 private:
  std::size_t limit_;
  std::string header_;
  State state_ = State::need_more;
};

}  // namespace mailroom::rfc5322
