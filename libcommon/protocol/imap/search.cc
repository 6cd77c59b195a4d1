#include "libcommon/protocol/imap/search.h"

#include <algorithm>
#include <array>
#include <optional>

#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/date.h"
#include "libcommon/protocol/imap/limits.h"
#include "libcommon/text/ascii.h"

namespace mailroom::imap {
namespace {

using Op = SearchStep::Op;
using std::chrono::days;

// What is not finished yet: a list of keys, or an operator that waits for its operands.
struct Frame {
  enum class Kind { list, either, negation };
  Kind kind = Kind::list;
  std::uint64_t have = 0;
};

class SearchParser {
 public:
  explicit SearchParser(Scanner& in) : in_{&in} {}

  SearchRequest parse();

 private:
  void parse_charset();
  void parse_key();
  void parse_word(std::string_view word);
  bool parse_flag_key(std::string_view word);
  bool parse_date_key(std::string_view word);
  bool parse_text_key(std::string_view word);
  bool parse_number_key(std::string_view word);
  void parse_mod_sequence();

  void push(SearchStep step);
  void value(SearchStep step);
  void negated(SearchStep step);
  void key_complete();
  bool close_lists();

  Scanner* in_;
  SearchRequest request_;
  std::vector<Frame> frames_{Frame{}};
  std::size_t strings_ = 0;
};

struct FlagKey {
  std::string_view word;
  SystemFlag flag;
  bool present;
};
constexpr std::array<FlagKey, 10> kFlagKeys{{
    {"ANSWERED", kAnswered, true},
    {"DELETED", kDeleted, true},
    {"DRAFT", kDraft, true},
    {"FLAGGED", kFlagged, true},
    {"SEEN", kSeen, true},
    {"UNANSWERED", kAnswered, false},
    {"UNDELETED", kDeleted, false},
    {"UNDRAFT", kDraft, false},
    {"UNFLAGGED", kFlagged, false},
    {"UNSEEN", kSeen, false},
}};

SearchStep flag_step(SystemFlag flag) { return {.op = Op::flag, .number = flag}; }
SearchStep operation(Op op, std::uint64_t count) { return {.op = op, .number = count}; }

void SearchParser::push(SearchStep step) {
  if (request_.steps.size() == kMaxSearchKeys) in_->fail("Too many search keys", SyntaxError::Kind::limit);
  if (in_->ok()) request_.steps.push_back(std::move(step));
}

void SearchParser::value(SearchStep step) {
  const bool is_set = step.op == Op::sequence || step.op == Op::uid;
  if (is_set && frames_.size() == 1) request_.required_sets.push_back(request_.steps.size());
  push(std::move(step));
  key_complete();
}

void SearchParser::negated(SearchStep step) {
  push(std::move(step));
  value(operation(Op::negation, 1));
}

// A key has been emitted: operators that waited for it are emitted now, innermost first.
void SearchParser::key_complete() {
  for (;;) {
    Frame& top = frames_.back();
    ++top.have;
    if (top.kind == Frame::Kind::list) return;
    if (top.kind == Frame::Kind::either && top.have < 2) return;
    const Op op = top.kind == Frame::Kind::either ? Op::disjunction : Op::negation;
    frames_.pop_back();
    push(operation(op, 1));
  }
}

// Takes closing parentheses.  False when one closes nothing.
bool SearchParser::close_lists() {
  while (in_->skip(')')) {
    const Frame top = frames_.back();
    if (frames_.size() == 1 || top.kind != Frame::Kind::list) return false;
    frames_.pop_back();
    value(operation(Op::conjunction, top.have));
  }
  return true;
}

void SearchParser::parse_charset() {
  if (!in_->skip_word("CHARSET")) return;
  in_->space();
  const std::string charset = in_->astring(kMaxIdString);
  if (!equals_ignoring_case(charset, "UTF-8") && !equals_ignoring_case(charset, "US-ASCII")) {
    in_->fail("Searching knows the charsets US-ASCII and UTF-8", SyntaxError::Kind::charset);
  }
  in_->space();
}

bool SearchParser::parse_flag_key(std::string_view word) {
  for (const FlagKey& key : kFlagKeys) {
    if (!equals_ignoring_case(word, key.word)) continue;
    key.present ? value(flag_step(key.flag)) : negated(flag_step(key.flag));
    return true;
  }
  if (equals_ignoring_case(word, "RECENT")) {
    value({.op = Op::recent});
  } else if (equals_ignoring_case(word, "OLD")) {
    negated({.op = Op::recent});
  } else if (equals_ignoring_case(word, "NEW")) {  // RECENT UNSEEN
    push({.op = Op::recent});
    push(flag_step(kSeen));
    push(operation(Op::negation, 1));
    value(operation(Op::conjunction, 2));
  } else if (equals_ignoring_case(word, "KEYWORD") || equals_ignoring_case(word, "UNKEYWORD")) {
    in_->space();
    SearchStep step{.op = Op::keyword, .text = std::string{in_->atom()}};
    word.size() == 7 ? value(std::move(step)) : negated(std::move(step));
  } else {
    return false;
  }
  return true;
}

bool SearchParser::parse_date_key(std::string_view word) {
  const bool sent = starts_with_ignoring_case(word, "SENT");
  const std::string_view which = sent ? word.substr(4) : word;
  const Op op = sent ? Op::sent_before : Op::before;
  const bool before = equals_ignoring_case(which, "BEFORE");
  const bool since = equals_ignoring_case(which, "SINCE");
  if (!before && !since && !equals_ignoring_case(which, "ON")) return false;
  in_->space();
  const std::chrono::sys_days day = parse_date(*in_);
  if (before) {
    value({.op = op, .day = day});
  } else if (since) {
    negated({.op = op, .day = day});
  } else {  // ON: not before this day, before the next
    push({.op = op, .day = day});
    push(operation(Op::negation, 1));
    push({.op = op, .day = day + days{1}});
    value(operation(Op::conjunction, 2));
  }
  return true;
}

bool SearchParser::parse_text_key(std::string_view word) {
  constexpr std::array<std::string_view, 5> kFields{"BCC", "CC", "FROM", "SUBJECT", "TO"};
  const bool named = equals_ignoring_case(word, "HEADER");
  const bool known = std::any_of(kFields.begin(), kFields.end(),
                                 [&](std::string_view field) { return equals_ignoring_case(field, word); });
  SearchStep step{.op = Op::header};
  if (equals_ignoring_case(word, "BODY")) {
    step.op = Op::body;
  } else if (equals_ignoring_case(word, "TEXT")) {
    step.op = Op::whole_text;
  } else if (!named && !known) {
    return false;
  }
  if (++strings_ > kMaxSearchStrings) in_->fail("Too many strings to search for", SyntaxError::Kind::limit);
  in_->space();
  if (named) {
    step.field = in_->astring(kMaxHeaderFieldName);
    in_->space();
  } else if (known) {
    step.field = word;
  }
  step.text = in_->astring(kMaxSearchString);
  value(std::move(step));
  return true;
}

bool SearchParser::parse_number_key(std::string_view word) {
  const bool larger = equals_ignoring_case(word, "LARGER");
  if (larger || equals_ignoring_case(word, "SMALLER")) {
    in_->space();
    value({.op = larger ? Op::larger : Op::smaller, .number = in_->number()});
  } else if (equals_ignoring_case(word, "UID")) {
    in_->space();
    value({.op = Op::uid, .set = SequenceSet::parse(*in_)});
  } else if (equals_ignoring_case(word, "MODSEQ")) {
    parse_mod_sequence();
  } else {
    return false;
  }
  return true;
}

// An entry name and type may come first; there is one sequence for all flags, so that they change nothing.
void SearchParser::parse_mod_sequence() {
  in_->space();
  if (in_->peek() == '"') {
    static_cast<void>(in_->string(kMaxKeyword));
    in_->space();
    if (!in_->skip_word("all") && !in_->skip_word("priv") && !in_->skip_word("shared")) {
      in_->fail("MODSEQ knows all, priv and shared");
    }
    in_->space();
  }
  request_.uses_mod_sequence = true;
  value({.op = Op::mod_sequence, .number = in_->mod_sequence()});
}

void SearchParser::parse_word(std::string_view word) {
  if (equals_ignoring_case(word, "NOT") || equals_ignoring_case(word, "OR")) {
    frames_.push_back({word.size() == 3 ? Frame::Kind::negation : Frame::Kind::either, 0});
    if (frames_.size() > kMaxSearchKeys) in_->fail("Too many search keys", SyntaxError::Kind::limit);
    return;
  }
  if (equals_ignoring_case(word, "ALL")) {
    value({.op = Op::all});
    return;
  }
  if (parse_flag_key(word) || parse_date_key(word) || parse_text_key(word) || parse_number_key(word)) return;
  in_->fail("Unknown search key");
}

void SearchParser::parse_key() {
  if (in_->skip('(')) {
    frames_.push_back({});
    if (frames_.size() > kMaxSearchKeys) in_->fail("Too many search keys", SyntaxError::Kind::limit);
    return;
  }
  if (is_digit(in_->peek()) || in_->peek() == '*') {
    value({.op = Op::sequence, .set = SequenceSet::parse(*in_)});
    return;
  }
  parse_word(in_->word());
}

SearchRequest SearchParser::parse() {
  parse_charset();
  // A '(' is followed by its first key at once, everything else by a space.
  for (bool more = true; more && in_->ok();) {
    const bool opened = in_->peek() == '(';
    parse_key();
    if (opened) continue;
    if (!close_lists()) in_->fail("Parentheses do not match");
    more = in_->skip(' ');
  }
  if (frames_.size() != 1) in_->fail("The search is not complete");
  in_->end();
  if (in_->ok()) push(operation(Op::conjunction, frames_.front().have));
  return std::move(request_);
}

}  // namespace

bool reads_message(Op op) {
  return op == Op::sent_before || op == Op::header || op == Op::body || op == Op::whole_text;
}

SearchRequest parse_search(Scanner& in) { return SearchParser{in}.parse(); }

Truth negate(Truth a) { return a == Truth::unknown ? a : a == Truth::yes ? Truth::no : Truth::yes; }

namespace {

// `decisive` wins over all; without one, unknown wins over the other.
Truth combine_last(std::vector<Truth>& stack, std::size_t count, Truth decisive) {
  Truth result = negate(decisive);
  for (std::size_t i = stack.size() - count; i < stack.size(); ++i) {
    if (stack[i] == decisive) result = decisive;
    if (stack[i] == Truth::unknown && result != decisive) result = Truth::unknown;
  }
  stack.resize(stack.size() - count);
  return result;
}

}  // namespace

Truth conjunction_of_last(std::vector<Truth>& stack, std::size_t count) {
  return combine_last(stack, count, Truth::no);
}

Truth disjunction_of_last(std::vector<Truth>& stack, std::size_t count) {
  return combine_last(stack, count, Truth::yes);
}

}  // namespace mailroom::imap
