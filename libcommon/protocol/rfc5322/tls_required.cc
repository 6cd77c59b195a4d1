#include "libcommon/protocol/rfc5322/tls_required.h"

#include <algorithm>

#include "libcommon/protocol/rfc5322/header.h"
#include "libcommon/text/ascii.h"

namespace mailroom::rfc5322 {
namespace {

constexpr std::string_view kName = "TLS-Required";
constexpr std::string_view kNo = "No";
// Of a field that is kept; a longer one says something else than "No".
constexpr std::size_t kMaxField = 128;

}  // namespace

void TlsRequiredScan::feed(std::string_view piece) {
  while (!piece.empty() && !ended_) {
    if (at_line_start_) begin_line(piece.front());
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end == piece.npos ? end : end + 1);
    if (may_be_it_) keep(part);
    at_line_start_ = part.back() == '\n';
    piece.remove_prefix(part.size());
  }
}

bool TlsRequiredScan::says_no() {
  end_field();
  return fields_ == 1 && no_;
}

// A line that begins with a blank goes on with the field before it (RFC 5322 2.2.3).
void TlsRequiredScan::begin_line(char first) {
  if (is_blank(first)) return;
  end_field();
  ended_ = first == '\r' || first == '\n';
  may_be_it_ = !ended_;
}

void TlsRequiredScan::keep(std::string_view part) {
  field_ += part.substr(0, kMaxField + 1 - std::min(kMaxField + 1, field_.size()));
  const std::size_t known = std::min(field_.size(), kName.size());
  may_be_it_ = equals_ignoring_case(field_.substr(0, known), kName.substr(0, known));
  if (!may_be_it_) field_.clear();
}

void TlsRequiredScan::end_field() {
  const auto field = FieldScanner{field_}.next();
  if (field && equals_ignoring_case(field->name, kName)) {
    ++fields_;
    no_ = field_.size() <= kMaxField && equals_ignoring_case(unfold(field->value), kNo);
  }
  field_.clear();
  may_be_it_ = false;
}

}  // namespace mailroom::rfc5322
