#include "libcommon/policy/spf/macro.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "libcommon/text/ascii.h"

namespace mailroom::spf {
namespace {

constexpr std::string_view kLetters = "slodipvh";
constexpr std::string_view kLettersOfExplanations = "crt";
constexpr std::string_view kDelimiters = ".-+,/_=";

// Text as it stands, or one macro.
struct Piece {
  std::string_view literal;
  char letter = 0;        // as written; 0: `literal`
  std::size_t parts = 0;  // to be kept, from the right; 0: all
  bool reversed = false;
  std::string_view delimiters = ".";
};

// After "%{", up to and with the brace.
std::optional<Piece> read_expansion(std::string_view& rest) {
  const std::size_t end = rest.find('}');
  if (end == rest.npos || !is_alpha(rest.front())) return {};
  std::string_view inside = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  Piece piece{.literal = {}, .letter = inside.front()};
  inside.remove_prefix(1);
  const std::size_t digits = std::min(inside.find_first_not_of("0123456789"), inside.size());
  if (digits > 0) {
    // More parts than any name has are all of them.
    piece.parts = parse_decimal<std::size_t>(inside.substr(0, digits)).value_or(SIZE_MAX);
    if (piece.parts == 0) return {};
    inside.remove_prefix(digits);
  }
  piece.reversed = !inside.empty() && to_lower(inside.front()) == 'r';
  if (piece.reversed) inside.remove_prefix(1);
  if (inside.find_first_not_of(kDelimiters) != inside.npos) return {};
  if (!inside.empty()) piece.delimiters = inside;
  return piece;
}

// The next piece of a text that is not empty; nothing where it breaks the grammar.
std::optional<Piece> read_piece(std::string_view& rest) {
  if (rest.front() != '%') {
    const std::string_view literal = rest.substr(0, rest.find('%'));
    rest.remove_prefix(literal.size());
    if (!std::ranges::all_of(literal, is_visible)) return {};
    return Piece{.literal = literal};
  }
  if (rest.size() < 2) return {};
  const char kind = rest[1];
  rest.remove_prefix(2);
  switch (kind) {
  case '{':
    return read_expansion(rest);
  case '%':
    return Piece{.literal = "%"};
  case '_':
    return Piece{.literal = " "};
  case '-':
    return Piece{.literal = "%20"};
  default:
    return {};
  }
}

bool is_written_with(std::string_view text, std::string_view letters) {
  while (!text.empty()) {
    const auto piece = read_piece(text);
    if (!piece) return false;
    if (piece->letter != 0 && letters.find(to_lower(piece->letter)) == letters.npos) return false;
  }
  return true;
}

bool is_let_dig_hyp(char c) { return is_alnum(c) || c == '-'; }

// RFC 7208 7.1 toplabel: a number alone is none.
bool is_top_label(std::string_view label) {
  return !label.empty() && is_alnum(label.front()) && is_alnum(label.back()) &&
         std::ranges::all_of(label, is_let_dig_hyp) && !std::ranges::all_of(label, is_digit);
}

// In a text that is well-formed: "%" never stands at its end alone.
bool ends_in_macro(std::string_view text) {
  bool is_macro = false;
  while (!text.empty()) {
    is_macro = text.front() == '%';
    if (!read_piece(text)) return false;
  }
  return is_macro;
}

bool ends_in_top_label(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const std::size_t dot = text.rfind('.');
  return dot != text.npos && is_top_label(text.substr(dot + 1));
}

std::string dotted(const IpAddress& address) {
  if (address.is_v4()) return address.text();
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : address.bytes)
    for (const int nibble : {octet >> 4, octet & 15}) {
      if (!text.empty()) text += '.';
      text += kDigits[nibble];
    }
  return text;
}

std::string value_of(char letter, const MacroValues& values) {
  switch (letter) {
  case 's':
    return std::string{values.local}.append("@").append(values.sender_domain);
  case 'l':
    return std::string{values.local};
  case 'o':
    return std::string{values.sender_domain};
  case 'd':
    return std::string{values.domain};
  case 'i':
    return dotted(values.client);
  case 'p':
    return std::string{values.validated_name};
  case 'v':
    return values.client.is_v4() ? "in-addr" : "ip6";
  case 'h':
    return std::string{values.helo};
  default:
    return {};
  }
}

std::string transformed(const Piece& piece, std::string_view value) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find_first_of(piece.delimiters, begin), value.size());
    parts.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  if (piece.reversed) std::ranges::reverse(parts);
  const std::size_t kept = piece.parts == 0 ? parts.size() : std::min(piece.parts, parts.size());
  std::string text;
  for (std::size_t i = parts.size() - kept; i < parts.size(); ++i) {
    if (i > parts.size() - kept) text += '.';
    text += parts[i];
  }
  return text;
}

// RFC 3986 2.1, all but the unreserved.
std::string url_escaped(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    if (is_alnum(c) || std::string_view{"-._~"}.find(c) != std::string_view::npos) {
      escaped += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    escaped.append({'%', kDigits[octet >> 4], kDigits[octet & 15]});
  }
  return escaped;
}

std::string expanded(const Piece& piece, const MacroValues& values) {
  if (piece.letter == 0) return std::string{piece.literal};
  const std::string text = transformed(piece, value_of(to_lower(piece.letter), values));
  return piece.letter == to_lower(piece.letter) ? text : url_escaped(text);
}

}  // namespace

bool is_macro_string(std::string_view text) {
  return is_written_with(text, std::string{kLetters}.append(kLettersOfExplanations));
}

bool is_domain_spec(std::string_view text) {
  return !text.empty() && is_written_with(text, kLetters) && (ends_in_macro(text) || ends_in_top_label(text));
}

bool uses_letter(std::string_view domain_spec, char letter) {
  while (!domain_spec.empty()) {
    const auto piece = read_piece(domain_spec);
    if (!piece) return false;
    if (to_lower(piece->letter) == letter) return true;
  }
  return false;
}

std::string expand(std::string_view domain_spec, const MacroValues& values) {
  std::string text;
  while (!domain_spec.empty()) {
    const auto piece = read_piece(domain_spec);
    if (!piece) break;
    text += expanded(*piece, values);
  }
  return text;
}

}  // namespace mailroom::spf
