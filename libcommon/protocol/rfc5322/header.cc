#include "libcommon/protocol/rfc5322/header.h"

#include <algorithm>
#include <set>

#include "libcommon/text/ascii.h"

namespace mailroom::rfc5322 {
namespace {

// The octets of the first line of `text`, with its line end if there is one.
std::size_t line_size(std::string_view text) {
  const auto lf = text.find('\n');
  return lf == text.npos ? text.size() : lf + 1;
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_empty_line(std::string_view text) { return text.starts_with('\n') || text.starts_with("\r\n"); }

Field split_field(std::string_view lines) {
  const auto first_line = without_line_end(lines.substr(0, line_size(lines)));
  const auto colon = first_line.find(':');
  if (colon == first_line.npos) return {{}, without_line_end(lines), lines};
  auto name = first_line.substr(0, colon);
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  return {name, without_line_end(lines).substr(colon + 1), lines};
}

}  // namespace

std::optional<Field> FieldScanner::next() {
  if (ended_) return std::nullopt;
  const auto rest = text_.substr(position_);
  if (rest.empty() || is_empty_line(rest)) {
    ended_ = true;
    position_ += rest.empty() ? 0 : line_size(rest);
    return std::nullopt;
  }
  std::size_t size = line_size(rest);
  while (size < rest.size() && is_blank(rest[size])) size += line_size(rest.substr(size));
  position_ += size;
  return split_field(rest.substr(0, size));
}

std::size_t header_size(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto rest = text.substr(at);
    at += line_size(rest);
    if (is_empty_line(rest)) break;
  }
  return at;
}

std::vector<Field> index_fields(std::string_view text, std::size_t max_octets) {
  std::vector<Field> fields;
  FieldScanner scanner(text);
  while (fields.size() < kMaxFields && scanner.position() < max_octets) {
    const auto field = scanner.next();
    if (!field || scanner.position() > max_octets) break;
    if (!field->name.empty()) fields.push_back(*field);
  }
  return fields;
}

std::optional<Field> find_field(std::string_view text, std::string_view name) {
  FieldScanner scanner(text);
  while (const auto field = scanner.next()) {
    if (equals_ignoring_case(field->name, name)) return field;
  }
  return std::nullopt;
}

std::string unfold(std::string_view value) {
  std::string line;
  line.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\n') continue;
    if (value[i] == '\r' && i + 1 < value.size() && value[i + 1] == '\n') continue;
    line += value[i];
  }
  return std::string(trim_blanks(line));
}

std::string select_fields(std::string_view text, const std::vector<std::string>& names, FieldChoice choice) {
  const std::set<std::string_view, LessIgnoringCase> wanted(names.begin(), names.end());
  std::string selected;
  FieldScanner scanner(text);
  while (const auto field = scanner.next()) {
    if (wanted.contains(field->name) == (choice == FieldChoice::named)) selected += field->lines;
  }
  if (!selected.empty() && !selected.ends_with('\n')) selected += "\r\n";
  return selected + "\r\n";
}

HeaderCollector::State HeaderCollector::feed(std::string_view piece) {
  while (state_ == State::need_more && !piece.empty()) {
    const bool at_line_start = header_.empty() || header_.ends_with('\n');
    const auto line = piece.substr(0, line_size(piece));
    const auto line_begin = at_line_start ? header_.size() : header_.rfind('\n') + 1;
    if (header_.size() + line.size() > limit_) return state_ = State::too_long;
    header_ += line;
    piece.remove_prefix(line.size());
    if (is_empty_line(std::string_view(header_).substr(line_begin))) state_ = State::complete;
  }
  return state_;
}

}  // namespace mailroom::rfc5322
