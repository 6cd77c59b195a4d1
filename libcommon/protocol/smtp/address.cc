#include "libcommon/protocol/smtp/address.h"

#include <algorithm>

#include "libcommon/protocol/sasl/utf8.h"
#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/characters.h"

namespace mailroom::smtp {
namespace {

// Octets of the non-ASCII character at the start of `text`, 0 if there is none.
std::size_t utf8_non_ascii_length(std::string_view text) {
  return text.empty() || is_ascii(text.front()) ? 0 : utf8_sequence_length(text);
}

// Octets of the longest prefix made of characters that `accepts` takes and of UTF8-non-ascii.
template <typename Accepts>
std::size_t prefix_length(std::string_view text, Accepts accepts) {
  std::size_t length = 0;
  while (length < text.size()) {
    if (accepts(text[length])) {
      ++length;
      continue;
    }
    const std::size_t character = utf8_non_ascii_length(text.substr(length));
    if (character == 0) break;
    length += character;
  }
  return length;
}

// Snum: one to three digits, at most 255.
bool take_snum(std::string_view& text) {
  std::size_t digits = 0;
  unsigned value = 0;
  while (digits < text.size() && digits < 4 && is_digit(text[digits]))
    value = value * 10 + hex_value(text[digits++]);
  text.remove_prefix(digits);
  return digits >= 1 && digits <= 3 && value <= 255;
}

bool is_ipv4(std::string_view text) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && !take_prefix(text, ".")) return false;
    if (!take_snum(text)) return false;
  }
  return text.empty();
}

bool is_h16(std::string_view text) {
  return !text.empty() && text.size() <= 4 && std::all_of(text.begin(), text.end(), is_hex);
}

// Sixteen-bit groups in a side of "::"; nothing if it is not a list of them.  A last group may be an IPv4
// address.
std::optional<unsigned> count_groups(std::string_view text) {
  unsigned groups = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    if (last && is_ipv4(group)) return groups + 2;
    if (!is_h16(group) || ++groups > 8) return std::nullopt;
    if (last) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;
  }
  return groups;
}

bool is_ipv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return count_groups(text) == 8U;
  const std::string_view left = text.substr(0, gap);
  if (left.find('.') != std::string_view::npos) return false;
  const auto before = count_groups(left);
  const auto after = count_groups(text.substr(gap + 2));
  return before && after && *before + *after <= 7;
}

bool is_sub_domain(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-') return false;
  return prefix_length(label, [](char c) { return is_let_dig(c) || c == '-'; }) == label.size();
}

// Dot-string: Atom *("." Atom).  What is left in `rest` begins with something else.
bool take_dot_string(std::string_view& rest, std::string& local_part) {
  for (;;) {
    const std::size_t atom = prefix_length(rest, is_atext);
    if (atom == 0) return false;
    local_part.append(rest.substr(0, atom));
    rest.remove_prefix(atom);
    if (rest.empty() || rest.front() != '.') return true;
    local_part += '.';
    rest.remove_prefix(1);
  }
}

// Quoted-string: DQUOTE *QcontentSMTP DQUOTE.
bool take_quoted_string(std::string_view& rest, std::string& local_part) {
  rest.remove_prefix(1);
  for (;;) {
    const std::size_t plain =
        prefix_length(rest, [](char c) { return is_printable(c) && c != '"' && c != '\\'; });
    local_part.append(rest.substr(0, plain));
    rest.remove_prefix(plain);
    if (take_prefix(rest, "\"")) return true;
    if (rest.size() < 2 || rest[0] != '\\' || !is_printable(rest[1])) return false;
    local_part += rest[1];
    rest.remove_prefix(2);
  }
}

std::expected<std::string, AddressFault> take_domain(std::string_view& rest) {
  const bool literal = !rest.empty() && rest.front() == '[';
  const std::size_t end = literal ? rest.find(']') : rest.find_first_of(">:, ");
  if (literal && end == std::string_view::npos) return std::unexpected(AddressFault::syntax);
  const std::string_view domain = rest.substr(0, literal ? end + 1 : end);
  if (domain.size() > kMaxDomain) return std::unexpected(AddressFault::too_long);
  if (!(literal ? is_address_literal(domain) : is_domain(domain)))
    return std::unexpected(AddressFault::syntax);
  rest.remove_prefix(domain.size());
  return std::string(domain);
}

std::expected<std::string, AddressFault> take_local_part(std::string_view& rest) {
  std::string local_part;
  const bool quoted = !rest.empty() && rest.front() == '"';
  const bool taken = quoted ? take_quoted_string(rest, local_part) : take_dot_string(rest, local_part);
  if (!taken) return std::unexpected(AddressFault::syntax);
  return local_part;
}

std::expected<Mailbox, AddressFault> take_mailbox(std::string_view& rest) {
  auto local_part = take_local_part(rest);
  if (!local_part) return std::unexpected(local_part.error());
  if (!take_prefix(rest, "@")) return std::unexpected(AddressFault::syntax);
  auto domain = take_domain(rest);
  if (!domain) return std::unexpected(domain.error());
  return Mailbox{std::move(*local_part), std::move(*domain)};
}

// A-d-l: "@" Domain *("," "@" Domain) ":".  True if there was none, or a right one.
bool skip_source_route(std::string_view& rest) {
  if (rest.empty() || rest.front() != '@') return true;
  do {
    if (!take_prefix(rest, "@") || !take_domain(rest)) return false;
  } while (take_prefix(rest, ","));
  return take_prefix(rest, ":");
}

// Precondition: rest begins with "<".
std::expected<Mailbox, AddressFault> take_path(std::string_view& rest) {
  rest.remove_prefix(1);
  if (!skip_source_route(rest)) return std::unexpected(AddressFault::syntax);
  const std::size_t before = rest.size();
  auto mailbox = take_mailbox(rest);
  if (!mailbox) return mailbox;
  if (before - rest.size() + 2 > kMaxPath) return std::unexpected(AddressFault::too_long);
  if (!take_prefix(rest, ">")) return std::unexpected(AddressFault::syntax);
  return mailbox;
}

bool is_dot_string(std::string_view local_part) {
  std::string ignored;
  return take_dot_string(local_part, ignored) && local_part.empty();
}

std::string quoted(std::string_view local_part) {
  std::string text = "\"";
  for (const char c : local_part) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text += '"';
}

}  // namespace

std::string Mailbox::text() const {
  std::string text = is_dot_string(local_part) ? local_part : quoted(local_part);
  if (!domain.empty()) text.append("@").append(domain);
  return text;
}

bool Mailbox::is_internationalized() const {
  return !std::all_of(local_part.begin(), local_part.end(), is_ascii) ||
         !std::all_of(domain.begin(), domain.end(), is_ascii);
}

bool is_domain(std::string_view text) {
  if (text.empty() || text.size() > kMaxDomain) return false;
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!is_sub_domain(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_address_literal(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  std::string_view content = text.substr(1, text.size() - 2);
  return take_prefix(content, "IPv6:") ? is_ipv6(content) : is_ipv4(content);
}

std::expected<Mailbox, AddressFault> parse_mailbox(std::string_view text) {
  if (text.size() + 2 > kMaxPath) return std::unexpected(AddressFault::too_long);
  auto mailbox = take_mailbox(text);
  if (mailbox && !text.empty()) return std::unexpected(AddressFault::syntax);
  return mailbox;
}

std::expected<std::optional<Mailbox>, AddressFault> take_reverse_path(std::string_view& rest) {
  if (take_prefix(rest, "<>")) return std::nullopt;
  if (rest.empty() || rest.front() != '<') return std::unexpected(AddressFault::syntax);
  return take_path(rest);
}

std::expected<Mailbox, AddressFault> take_forward_path(std::string_view& rest) {
  if (take_prefix(rest, "<Postmaster>")) return Mailbox{"postmaster", {}};
  if (rest.empty() || rest.front() != '<') return std::unexpected(AddressFault::syntax);
  auto mailbox = take_path(rest);
  if (mailbox && mailbox->local_part.size() > kMaxLocalPart) return std::unexpected(AddressFault::too_long);
  return mailbox;
}

}  // namespace mailroom::smtp
