#include "libcommon/protocol/imap/sequence_set.h"

#include <algorithm>

#include <fmt/format.h>

namespace mailroom::imap {
namespace {

// A message number or UID.  2^32-1 is a legal UID too; read as `*` it names at most the one message that has
// it.
std::uint32_t parse_number(Scanner& in) { return in.skip('*') ? SequenceSet::kStar : in.nz_number(); }

}  // namespace

SequenceSet SequenceSet::parse(Scanner& in) {
  SequenceSet set;
  do {
    NumberRange range;
    range.first = range.last = parse_number(in);
    if (in.skip(':')) range.last = parse_number(in);
    set.ranges_.push_back(range);
  } while (in.skip(','));
  return set;
}

NumberRanges SequenceSet::resolve(std::uint32_t largest) const {
  NumberRanges resolved;
  resolved.reserve(ranges_.size());
  for (NumberRange range : ranges_) {
    if (range.first == kStar) range.first = largest;
    if (range.last == kStar) range.last = largest;
    if (range.first > range.last) std::swap(range.first, range.last);
    if (range.last == 0) continue;
    range.first = std::max(range.first, 1U);
    resolved.push_back(range);
  }
  return canonical(std::move(resolved));
}

NumberRanges canonical(NumberRanges ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const NumberRange& a, const NumberRange& b) { return a.first < b.first; });
  NumberRanges joined;
  for (const NumberRange& range : ranges) {
    if (!joined.empty() && range.first - 1 <= joined.back().last) {
      joined.back().last = std::max(joined.back().last, range.last);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

bool contains(const NumberRanges& ranges, std::uint32_t number) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), number,
                       [](std::uint32_t n, const NumberRange& range) { return n < range.first; });
  return after != ranges.begin() && number <= std::prev(after)->last;
}

std::string render(const NumberRanges& ranges) {
  std::string text;
  for (const NumberRange& range : ranges) {
    if (!text.empty()) text += ',';
    fmt::format_to(std::back_inserter(text), "{}", range.first);
    if (range.last != range.first) fmt::format_to(std::back_inserter(text), ":{}", range.last);
  }
  return text;
}

void append_number(NumberRanges& ranges, std::uint32_t number) {
  if (!ranges.empty() && ranges.back().last + 1 == number) {
    ranges.back().last = number;
  } else {
    ranges.push_back({number, number});
  }
}

}  // namespace mailroom::imap
