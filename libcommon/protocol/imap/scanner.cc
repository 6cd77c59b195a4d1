#include "libcommon/protocol/imap/scanner.h"

#include "libcommon/text/ascii.h"

namespace mailroom::imap {

bool is_astring_char(char c) { return is_atom_char(c) || c == ']'; }

bool is_atom_char(char c) {
  return is_visible(c) && std::string_view{R"((){%*"\])"}.find(c) == std::string_view::npos;
}

bool is_tag_char(char c) { return is_astring_char(c) && c != '+'; }

namespace {

constexpr std::size_t kMaxWord = 64;

bool is_word_char(char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_' || c == '+'; }
bool is_list_char(char c) { return is_astring_char(c) || c == '%' || c == '*'; }
bool is_digit_char(char c) { return is_digit(c); }

}  // namespace

void Scanner::fail(const char* text, SyntaxError::Kind kind) {
  if (error_ != nullptr) return;
  error_ = text;
  kind_ = kind;
  rest_ = {};
}

void Scanner::end() {
  if (!rest_.empty()) fail("Unexpected text after the command");
}

bool Scanner::skip(char c) {
  if (rest_.empty() || rest_.front() != c) return false;
  rest_.remove_prefix(1);
  return true;
}

void Scanner::expect(char c) {
  if (skip(c)) return;
  fail(c == ' '   ? "An argument is missing"
       : c == ')' ? "Parenthesis or space expected"
                  : "Unexpected character");
}

bool Scanner::skip_word(std::string_view word) {
  if (!starts_with_ignoring_case(rest_, word)) return false;
  if (rest_.size() > word.size() && is_atom_char(rest_[word.size()])) return false;
  rest_.remove_prefix(word.size());
  return true;
}

std::string_view Scanner::take_while(bool (*is_member)(char)) {
  std::size_t n = 0;
  while (n < rest_.size() && is_member(rest_[n])) ++n;
  const std::string_view taken = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return taken;
}

std::string_view Scanner::atom() {
  const std::string_view taken = take_while(is_atom_char);
  if (taken.empty()) fail("An atom was expected");
  return taken;
}

std::string_view Scanner::word() {
  const std::string_view taken = take_while(is_word_char);
  if (taken.empty() || taken.size() > kMaxWord) {
    fail("A name was expected");
    return {};
  }
  return taken;
}

std::string_view Scanner::tag() {
  const std::string_view taken = take_while(is_tag_char);
  if (taken.empty()) fail("A command starts with a tag");
  return taken;
}

std::string Scanner::quoted(std::size_t limit) {
  std::string value;
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    char c = rest_[i];
    if (c == '"') {
      rest_.remove_prefix(i + 1);
      return value;
    }
    if (c == '\\') {
      c = ++i < rest_.size() ? rest_[i] : '\0';
      if (c != '"' && c != '\\') break;
    }
    if (c == '\0' || c == '\r' || c == '\n') break;
    if (value.size() == limit) {
      fail("A string is too long", SyntaxError::Kind::limit);
      return {};
    }
    value += c;
  }
  fail("Quoted string is not well formed");
  return {};
}

// The octet count is checked against what is there, never used to allocate.
std::string Scanner::literal(std::size_t limit) {
  const std::uint64_t size = digits(UINT32_MAX);
  skip('+');
  expect('}');
  expect('\r');
  expect('\n');
  if (!ok()) return {};
  if (size > rest_.size()) {
    fail("A literal is not complete");
    return {};
  }
  if (size > limit) {
    fail("A string is too long", SyntaxError::Kind::limit);
    return {};
  }
  std::string value{rest_.substr(0, size)};
  rest_.remove_prefix(size);
  if (value.find('\0') != std::string::npos) {
    fail("NUL is not allowed in a literal");
    return {};
  }
  return value;
}

std::string Scanner::string(std::size_t limit) {
  if (skip('"')) return quoted(limit);
  if (skip('{')) return literal(limit);
  fail("A string was expected");
  return {};
}

std::string Scanner::astring(std::size_t limit) {
  if (peek() == '"' || peek() == '{') return string(limit);
  const std::string_view taken = take_while(is_astring_char);
  if (taken.empty()) fail("A string was expected");
  if (taken.size() > limit) {
    fail("A string is too long", SyntaxError::Kind::limit);
    return {};
  }
  return std::string{taken};
}

std::optional<std::string> Scanner::nstring(std::size_t limit) {
  if (skip_word("NIL")) return std::nullopt;
  return string(limit);
}

std::string Scanner::list_mailbox(std::size_t limit) {
  if (peek() == '"' || peek() == '{') return string(limit);
  const std::string_view taken = take_while(is_list_char);
  if (taken.empty()) fail("A mailbox pattern was expected");
  if (taken.size() > limit) {
    fail("A mailbox pattern is too long", SyntaxError::Kind::limit);
    return {};
  }
  return std::string{taken};
}

std::uint64_t Scanner::digits(std::uint64_t max) {
  const std::string_view taken = take_while(is_digit_char);
  const auto value = parse_decimal<std::uint64_t>(taken);
  if (!value || *value > max) {
    fail(taken.empty() ? "A number was expected" : "A number is too large");
    return 0;
  }
  return *value;
}

std::uint32_t Scanner::number() { return static_cast<std::uint32_t>(digits(UINT32_MAX)); }

std::uint32_t Scanner::nz_number() {
  const std::uint32_t value = number();
  if (ok() && value == 0) fail("Zero is not allowed here");
  return value;
}

std::uint64_t Scanner::mod_sequence() { return digits(INT64_MAX); }

}  // namespace mailroom::imap
