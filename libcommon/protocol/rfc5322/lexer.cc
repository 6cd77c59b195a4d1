#include "libcommon/protocol/rfc5322/lexer.h"

#include <utility>

namespace mailroom::rfc5322 {

bool Lexer::take(char c) {
  if (!next_is(c)) return false;
  ++at_;
  return true;
}

bool Lexer::skip_cfws() {
  const std::size_t begin = at_;
  while (!at_end()) {
    if (is_white(text_[at_])) {
      ++at_;
    } else if (text_[at_] == '(') {
      take_comment_text();
    } else {
      break;
    }
  }
  return at_ > begin;
}

std::optional<std::string> Lexer::take_comment() { return std::exchange(comment_, std::nullopt); }

void Lexer::take_escaped(std::string& out) {
  ++at_;
  if (at_end()) {
    unterminated_ = true;
  } else if (const char c = text_[at_++]; c != '\n' && c != '\r') {
    out += c;
  }
}

void Lexer::take_comment_text() {
  std::string text;
  std::size_t depth = 0;
  while (!at_end()) {
    const char c = text_[at_];
    if (c == '\\') {
      take_escaped(text);
      continue;
    }
    ++at_;
    if (c == ')' && --depth == 0) break;
    if (c == '(' && ++depth == 1) continue;
    if (c != '\r' && c != '\n') text += c;
  }
  unterminated_ = unterminated_ || depth > 0;
  comment_ = std::move(text);
}

std::string Lexer::take_quoted_string() {
  std::string content;
  ++at_;
  while (!at_end()) {
    const char c = text_[at_];
    if (c == '\\') {
      take_escaped(content);
      continue;
    }
    ++at_;
    if (c == '"') return content;
    if (c != '\r' && c != '\n') content += c;
  }
  unterminated_ = true;
  return content;
}

std::string Lexer::take_domain_literal() {
  std::string literal;
  while (!at_end()) {
    const char c = text_[at_++];
    if (!is_white(c)) literal += c;
    if (c == ']') return literal;
  }
  unterminated_ = true;
  return literal;
}

}  // namespace mailroom::rfc5322
