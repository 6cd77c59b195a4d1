// The lexical tokens of structured fields (RFC 5322 3.2), read forwards only: every call takes at least the
// octet it stands on or says that it took nothing.  Unterminated tokens end with the text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/text/ascii.h"

namespace mailroom::rfc5322 {

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_{text} {}

  bool at_end() const { return at_ >= text_.size(); }
  // The octet at hand; NUL at the end of the text.
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool next_is(char c) const { return !at_end() && text_[at_] == c; }
  void skip() { ++at_; }

  // Takes this octet if it is at hand.
  bool take(char c);

  // Skips blanks, line ends and nested comments (CFWS); whether there were any.
  bool skip_cfws();

  // The text of the last comment that skip_cfws() saw: without its outer parentheses and escapes, unfolded;
  // then nothing until there is another.
  std::optional<std::string> take_comment();

  // Precondition: next_is('"').  The content without escapes, unfolded.
  std::string take_quoted_string();

  // Precondition: next_is('[').  The domain literal with its brackets, without blanks.
  std::string take_domain_literal();

  // The longest run of octets for which `wanted` holds; perhaps empty.
  template <typename Predicate>
  std::string_view take_while(Predicate wanted) {
    const std::size_t begin = at_;
    while (!at_end() && wanted(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  // A comment, quoted string or literal did not end before the text did.
  bool saw_unterminated() const { return unterminated_; }

 private:
  void take_comment_text();
  // The octet after a backslash, if there is one, goes to `out`.
  void take_escaped(std::string& out);

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::string> comment_;
  bool unterminated_ = false;
};

// Blanks and line ends: what separates tokens.
constexpr bool is_white(char c) { return is_blank(c) || c == '\r' || c == '\n'; }

// What an atom may hold (RFC 5322 3.2.3), 8-bit octets (RFC 6532 3.2) and, as mail has them, controls
// included.
constexpr bool is_atom_octet(char c) {
  return !is_white(c) && std::string_view(R"(()<>[]:;@\,.")").find(c) == std::string_view::npos;
}

}  // namespace mailroom::rfc5322
