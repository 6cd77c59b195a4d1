#include "libcommon/protocol/rfc5322/message_id.h"

#include <utility>

#include "libcommon/protocol/rfc5322/lexer.h"

namespace mailroom::rfc5322 {
namespace {

// After '<': the identifier up to '>' in normal form; empty if it has no '@' or no end.
std::string take_message_id(Lexer& lexer) {
  std::string id;
  bool has_at = false;
  while (!lexer.at_end()) {
    if (lexer.skip_cfws()) continue;
    if (lexer.take('>')) return has_at ? id : std::string();
    if (lexer.next_is('<')) return {};  // the one before was not closed
    if (lexer.next_is('"')) {
      id += lexer.take_quoted_string();
    } else if (lexer.next_is('[')) {
      id += lexer.take_domain_literal();
    } else {
      has_at = has_at || lexer.next_is('@');
      id += lexer.peek();
      lexer.skip();
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> parse_message_ids(std::string_view value) {
  std::vector<std::string> ids;
  Lexer lexer(value);
  while (!lexer.at_end() && ids.size() < kMaxMessageIds) {
    if (lexer.skip_cfws()) continue;
    if (!lexer.take('<')) {
      lexer.skip();
    } else if (auto id = take_message_id(lexer); !id.empty()) {
      ids.push_back(std::move(id));
    }
  }
  return ids;
}

}  // namespace mailroom::rfc5322
