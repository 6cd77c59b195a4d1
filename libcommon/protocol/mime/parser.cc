// The message parser: one pass over the lines, with the parts that are open at the moment on a stack.
#include <algorithm>
#include <cstring>
#include <utility>

#include "libcommon/protocol/mime/message.h"
#include "libcommon/text/ascii.h"

namespace mailroom::mime {
namespace {

using rfc5322::Field;

// RFC 2045 5.2: what a part is that does not say so, or not legibly.
ContentType default_content_type() { return {"text", "plain", {{"charset", "us-ascii"}}}; }
// RFC 2046 5.1.5: of a part of multipart/digest.
ContentType digest_content_type() { return {"message", "rfc822", {}}; }

std::optional<std::string> text_of(const Field& field) {
  auto text = rfc5322::unfold(field.value);
  if (text.empty()) return std::nullopt;
  return text;
}

// The last field of a name counts, as in Dovecot and Cyrus; one that cannot be read counts as not there.
void take_field(const Field& field, Part& part, std::optional<ContentType>& content_type) {
  const auto is = [&](std::string_view name) { return equals_ignoring_case(field.name, name); };
  if (is("Content-Type")) {
    content_type = parse_content_type(field.value);
  } else if (is("Content-Transfer-Encoding")) {
    part.encoding = parse_transfer_encoding(field.value);
  } else if (is("Content-ID")) {
    part.id = text_of(field);
  } else if (is("Content-Description")) {
    part.description = text_of(field);
  } else if (is("Content-MD5")) {
    part.md5 = text_of(field);
  } else if (is("Content-Location")) {
    part.location = text_of(field);
  } else if (is("Content-Disposition")) {
    part.disposition = parse_disposition(field.value);
  } else if (is("Content-Language")) {
    part.languages = parse_languages(field.value);
  }
}

// The first octets of a text as a number, to compare many boundaries with one line quickly.
std::uint64_t head_of(std::string_view text) {
  std::uint64_t head = 0;
  std::memcpy(&head, text.data(), std::min(text.size(), sizeof head));
  return head;
}

// The boundary parameter of a multipart whose end has not been seen, or nothing.
class Boundary {
 public:
  void set(std::string_view text) {
    static constexpr std::string_view kOnes = "\xff\xff\xff\xff\xff\xff\xff\xff";
    text_ = text;
    mask_ = head_of(kOnes.substr(0, std::min(text.size(), kOnes.size())));
    head_ = text.empty() ? kNoHead : head_of(text);
  }
  void clear() { set({}); }
  std::size_t size() const { return text_.size(); }

  // Never if there is no boundary.  `line_head` is head_of(line).
  bool begins(std::string_view line, std::uint64_t line_head) const {
    return (line_head & mask_) == head_ && line.starts_with(text_);
  }

 private:
  static constexpr std::uint64_t kNoHead = 1;  // under an empty mask equal to nothing
  std::uint64_t head_ = kNoHead;
  std::uint64_t mask_ = 0;
  std::string text_;
};

class Parser {
 public:
  explicit Parser(std::string_view bytes) : bytes_{bytes} {}

  Message run() && {
    message_.size = bytes_.size();
    open_part(Role::message);
    while (at_ < bytes_.size()) take_line();
    close_down_to(0, bytes_.size(), lines_);
    return std::move(message_);
  }

 private:
  // What a part is to the one that holds it.
  enum class Role { message, part, digest_part };

  struct Open {
    std::uint32_t part;
    Boundary boundary;
    std::uint64_t lines_before_body;
    bool is_digest;
  };
  // A delimiter line (RFC 2046 5.1.1) of an open multipart.
  struct Delimiter {
    std::size_t level;  // on the stack
    bool closes;
  };

  void open_part(Role role);
  bool read_part(Role role);
  void read_fields(std::string_view header, Role role, Part& part);
  bool find_header_end();
  void choose_kind(Part& part) const;
  void take_line();
  void take_delimiter(const Delimiter& delimiter);
  std::optional<Delimiter> delimiter_here() const;
  std::size_t end_of_line() const;
  std::size_t line_end_before(std::size_t line) const;
  void close_down_to(std::size_t level, std::size_t end, std::uint64_t lines);
  void add_empty_child(std::uint32_t parent);

  std::string_view bytes_;
  std::size_t at_ = 0;       // always the beginning of a line
  std::uint64_t lines_ = 0;  // line ends before at_
  Message message_;
  std::size_t header_room_ = kMaxIndexedOctets;
  std::size_t address_room_ = rfc5322::kMaxAddresses;
  std::vector<Open> open_;  // from the message itself to the innermost part
};

// Reads the header of a part that begins here, and those of the messages that it turns out to begin with.
void Parser::open_part(Role role) {
  while (read_part(role)) role = Role::message;
}

// Reads one part's header and puts the part on the stack; true if it is a message/rfc822 whose message begins
// here.
bool Parser::read_part(Role role) {
  const auto index = static_cast<std::uint32_t>(message_.parts.size());
  if (!open_.empty()) message_.parts[open_.back().part].children.push_back(index);
  Part& part = message_.parts.emplace_back();
  part.header_begin = at_;
  std::uint64_t lines_before_body = 0;
  if (find_header_end()) {
    part.body_begin = at_;
    lines_before_body = lines_;
  } else {
    // The delimiter that cut the header short takes the line end before it from there.
    const auto line_end = at_ > part.header_begin ? line_end_before(at_) : 0;
    part.body_begin = at_ - line_end;
    lines_before_body = lines_ - (line_end > 0 ? 1 : 0);
  }
  read_fields(bytes_.substr(part.header_begin, part.header_size()), role, part);
  choose_kind(part);
  Open open{index, {}, lines_before_body, part.content_type.is("multipart", "digest")};
  if (part.kind == PartKind::multipart) {
    open.boundary.set(find_parameter(part.content_type.parameters, "boundary").value_or(""));
  }
  open_.push_back(std::move(open));
  return part.kind == PartKind::message;
}

// A part that must not have parts of its own any more is octets (RFC 2049 2 (7): like any type that is not
// understood).
void Parser::choose_kind(Part& part) const {
  const bool is_multipart = part.content_type.is("multipart");
  if (!is_multipart && !part.content_type.is("message", "rfc822")) return;
  if (open_.size() >= kMaxDepth || message_.parts.size() >= kMaxParts) {
    part.content_type = {"application", "octet-stream", {}};
  } else {
    part.kind = is_multipart ? PartKind::multipart : PartKind::message;
  }
}

void Parser::read_fields(std::string_view header, Role role, Part& part) {
  const auto fields = rfc5322::index_fields(header, std::min(rfc5322::kMaxHeaderOctets, header_room_));
  header_room_ -= std::min(header_room_, header.size());
  std::optional<ContentType> content_type;
  for (const auto& field : fields) take_field(field, part, content_type);
  const auto unsaid = role == Role::digest_part ? digest_content_type : default_content_type;
  part.content_type = content_type ? std::move(*content_type) : unsaid();
  if (role == Role::message) part.envelope = make_envelope(fields, address_room_);
}

// Goes to the first line of the body; false if that is a delimiter line, without an empty line before it.
bool Parser::find_header_end() {
  while (at_ < bytes_.size()) {
    if (delimiter_here()) return false;
    const auto end = end_of_line();
    const auto line = bytes_.substr(at_, end - at_);
    lines_ += line.ends_with('\n') ? 1 : 0;
    at_ = end;
    if (line == "\r\n" || line == "\n") break;
  }
  return true;
}

void Parser::take_line() {
  if (const auto delimiter = delimiter_here()) {
    take_delimiter(*delimiter);
    return;
  }
  at_ = end_of_line();
  if (bytes_[at_ - 1] == '\n') ++lines_;
}

void Parser::take_delimiter(const Delimiter& delimiter) {
  close_down_to(delimiter.level + 1, at_, lines_);
  at_ = end_of_line();
  if (bytes_[at_ - 1] == '\n') ++lines_;
  Open& multipart = open_[delimiter.level];
  if (delimiter.closes) {
    multipart.boundary.clear();
  } else {
    open_part(multipart.is_digest ? Role::digest_part : Role::part);
  }
}

std::size_t Parser::end_of_line() const {
  const auto* lf = static_cast<const char*>(std::memchr(bytes_.data() + at_, '\n', bytes_.size() - at_));
  return lf == nullptr ? bytes_.size() : static_cast<std::size_t>(lf - bytes_.data()) + 1;
}

// Octets of the line end before the line that begins there.
std::size_t Parser::line_end_before(std::size_t line) const {
  const auto before = bytes_.substr(0, line);
  return before.ends_with("\r\n") ? 2 : before.ends_with('\n') ? 1 : 0;
}

// Of the innermost multipart whose boundary the line at hand begins with: what follows it there does not
// matter (RFC 2046 5.1.1).  Once there are kMaxParts parts only closing delimiters count.  At most kMaxDepth
// comparisons, each within the line.
std::optional<Parser::Delimiter> Parser::delimiter_here() const {
  auto line = bytes_.substr(at_);
  if (!line.starts_with("--")) return std::nullopt;
  line.remove_prefix(2);
  const auto head = head_of(line);
  for (std::size_t level = open_.size(); level-- > 0;) {
    const auto& boundary = open_[level].boundary;
    if (!boundary.begins(line, head)) continue;
    const bool closes = line.substr(boundary.size()).starts_with("--");
    if (!closes && message_.parts.size() >= kMaxParts) return std::nullopt;
    return Delimiter{level, closes};
  }
  return std::nullopt;
}

// Ends the parts from the top of the stack down to this level at a delimiter that begins at `end`, or at the
// message's end.
void Parser::close_down_to(std::size_t level, std::size_t end, std::uint64_t lines) {
  std::size_t line_end = end == bytes_.size() ? 0 : line_end_before(end);
  while (open_.size() > level) {
    Part& part = message_.parts[open_.back().part];
    // The line end before the delimiter may be the one that ends this part's header; it cannot be taken from
    // that, nor then from the parts around.
    if (part.body_begin == end) line_end = 0;
    part.body_end = end - line_end;
    part.lines = lines - open_.back().lines_before_body - (line_end > 0 ? 1 : 0);
    if (part.kind == PartKind::multipart && part.children.empty()) add_empty_child(open_.back().part);
    open_.pop_back();
  }
}

// RFC 3501 9: body-type-mpart has at least one part.
void Parser::add_empty_child(std::uint32_t parent) {
  message_.parts[parent].children.push_back(static_cast<std::uint32_t>(message_.parts.size()));
  Part child;
  child.content_type = default_content_type();
  child.header_begin = child.body_begin = child.body_end = message_.parts[parent].body_end;
  message_.parts.push_back(std::move(child));
}

}  // namespace

Message parse_message(std::string_view bytes) { return Parser(bytes).run(); }

}  // namespace mailroom::mime
