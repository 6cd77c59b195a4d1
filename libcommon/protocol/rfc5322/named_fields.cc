#include "libcommon/protocol/rfc5322/named_fields.h"

#include <algorithm>

#include "libcommon/protocol/rfc5322/header.h"
#include "libcommon/text/ascii.h"

namespace mailroom::rfc5322 {
namespace {

// Whether one of them begins with the other.
bool agree(std::string_view a, std::string_view b) {
  const std::size_t size = std::min(a.size(), b.size());
  return equals_ignoring_case(a.substr(0, size), b.substr(0, size));
}

}  // namespace

void NamedFields::feed(std::string_view piece) {
  while (!piece.empty() && !ended_) {
    if (at_line_start_) begin_line(piece.front());
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end == piece.npos ? end : end + 1);
    if (may_be_one_) keep(part);
    at_line_start_ = part.back() == '\n';
    piece.remove_prefix(part.size());
  }
}

void NamedFields::end() {
  end_field();
  ended_ = true;
}

// A line that begins with a blank goes on with the field before it (RFC 5322 2.2.3).
void NamedFields::begin_line(char first) {
  if (is_blank(first)) return;
  end_field();
  ended_ = first == '\r' || first == '\n';
  may_be_one_ = !ended_;
}

void NamedFields::keep(std::string_view part) {
  if (field_.empty() && !agree(part, name_)) {
    may_be_one_ = false;
    return;
  }
  field_ += part.substr(0, bounds_.octets + 1 - std::min(bounds_.octets + 1, field_.size()));
  may_be_one_ = agree(field_, name_);
  if (!may_be_one_) field_.clear();
}

void NamedFields::end_field() {
  const auto field = FieldScanner{field_}.next();
  if (field && equals_ignoring_case(field->name, name_)) {
    ++count_;
    const bool is_whole = field_.size() <= bounds_.octets;
    if (values_.size() < bounds_.fields) values_.push_back(is_whole ? unfold(field->value) : "");
  }
  field_.clear();
  may_be_one_ = false;
}

}  // namespace mailroom::rfc5322
