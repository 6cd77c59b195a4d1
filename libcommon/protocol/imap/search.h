// The search program of SEARCH (RFC 3501 section 6.4.4, RFC 7162 section 3.1.5) as a flat list in postfix
// order.
//
// Parsing and evaluating use explicit stacks: no depth of NOT, OR or parentheses costs call depth
// (SECURITY.md V9).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/protocol/imap/scanner.h"
#include "libcommon/protocol/imap/sequence_set.h"

namespace mailroom::imap {

struct SearchStep {
  enum class Op {
    // Operators on what the steps before left on the stack.
    conjunction,  // of the last `number` values
    disjunction,  // of two
    negation,
    // Values.  Keys which are the absence of another are its negation: UNSEEN is SEEN, negation.
    all,
    flag,  // `number`: a SystemFlag bit
    recent,
    keyword,       // `text`
    sequence,      // `set`, message numbers
    uid,           // `set`
    larger,        // `number`
    smaller,       // `number`
    before,        // INTERNALDATE on a day before `day`
    sent_before,   // Date field on a day before `day`
    mod_sequence,  // at least `number`
    header,        // `field` has `text` in it; an empty text asks for the field alone
    body,          // `text` in the body
    whole_text,    // `text` in header or body
  };
  Op op = Op::all;
  std::uint64_t number = 0;
  std::string field;
  std::string text;
  std::chrono::sys_days day{};
  SequenceSet set;
};

// Whether a step needs more of a message than its row of the index.
bool reads_message(SearchStep::Op op);

struct SearchRequest {
  std::vector<SearchStep> steps;  // in postfix order: leaves exactly one value
  // Which steps are `sequence` or `uid` and hold for every message found: the search can begin with these
  // sets.
  std::vector<std::size_t> required_sets;
  bool uses_mod_sequence = false;
};

// What follows "SEARCH ".
SearchRequest parse_search(Scanner& in);

// Yes, no, or not known because a step was not asked.
enum class Truth : std::uint8_t { no, yes, unknown };

// Runs the program with three-valued logic: `value_of` gives the truth of each value step and may answer
// unknown for those which are dear.  When the result is known nothing dear needs to be asked. ValueOf:
// Truth(const SearchStep&).  `stack` is only scratch space, kept by the caller between messages.
template <typename ValueOf>
Truth evaluate(const std::vector<SearchStep>& steps, std::vector<Truth>& stack, ValueOf value_of);

Truth negate(Truth a);
// Of the last `count` values of the stack, which are taken off.
Truth conjunction_of_last(std::vector<Truth>& stack, std::size_t count);
Truth disjunction_of_last(std::vector<Truth>& stack, std::size_t count);

template <typename ValueOf>
Truth evaluate(const std::vector<SearchStep>& steps, std::vector<Truth>& stack, ValueOf value_of) {
  stack.clear();
  for (const SearchStep& step : steps) {
    switch (step.op) {
    case SearchStep::Op::conjunction:
      stack.push_back(conjunction_of_last(stack, step.number));
      break;
    case SearchStep::Op::disjunction:
      stack.push_back(disjunction_of_last(stack, 2));
      break;
    case SearchStep::Op::negation:
      stack.back() = negate(stack.back());
      break;
    default:
      stack.push_back(value_of(step));
      break;
    }
  }
  return stack.back();
}

}  // namespace mailroom::imap
