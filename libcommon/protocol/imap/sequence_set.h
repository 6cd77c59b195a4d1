// Sequence sets (RFC 3501 section 9: sequence-set) of message numbers or UIDs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/protocol/imap/scanner.h"

namespace mailroom::imap {

// first to last, both included; first <= last.
struct NumberRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  bool operator==(const NumberRange&) const = default;
};

// Sorted, without overlap or adjacency: the canonical form, in which all work on sets is linear.
using NumberRanges = std::vector<NumberRange>;

// What the client wrote.  `*` is kept apart until it is known what the largest number is.
class SequenceSet {
 public:
  static constexpr std::uint32_t kStar = UINT32_MAX;

  // Reads a set.  The number of its ranges is bounded by the length of the command.
  static SequenceSet parse(Scanner& in);

  // With `*` as `largest`, in canonical form.  A range may be written either way round, and `*` as UID of an
  // empty mailbox names nothing (largest = 0).  Numbers above `largest` stay: the caller knows what they
  // mean.
  NumberRanges resolve(std::uint32_t largest) const;

  const std::vector<NumberRange>& as_written() const { return ranges_; }

 private:
  std::vector<NumberRange> ranges_;
};

// Sorts and joins.  Ranges must have first <= last.
NumberRanges canonical(NumberRanges ranges);

bool contains(const NumberRanges& ranges, std::uint32_t number);

// "1:3,5,7:9", as in COPYUID and SEARCH answers; empty for no ranges.
std::string render(const NumberRanges& ranges);

// Adds a number to ranges that are built in ascending order.
void append_number(NumberRanges& ranges, std::uint32_t number);

}  // namespace mailroom::imap
