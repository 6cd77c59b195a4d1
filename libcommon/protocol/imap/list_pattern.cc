#include "libcommon/protocol/imap/list_pattern.h"

namespace mailroom::imap {

ListPattern::ListPattern(std::string_view pattern, char separator) : separator_{separator} {
  for (const char c : pattern.substr(0, kMaxListPattern)) {
    const bool wildcard = c == '*' || c == '%';
    // Runs of wildcards are one: `*` if there is a `*` in it.  Then no place is more than one empty step
    // away.
    if (wildcard && end_ > 0 && (any_[end_ - 1] || level_[end_ - 1])) {
      if (c == '*') {
        level_.reset(end_ - 1);
        any_.set(end_ - 1);
      }
      continue;
    }
    if (wildcard) {
      (c == '*' ? any_ : level_).set(end_);
    } else {
      literal_[static_cast<unsigned char>(c)].set(end_);
    }
    ++end_;
  }
}

ListPattern::Places ListPattern::through_wildcards(const Places& places) const {
  return places | ((places & (any_ | level_)) << 1);
}

ListPattern::Places ListPattern::start() const {
  Places places;
  places.set(0);
  return through_wildcards(places);
}

ListPattern::Places ListPattern::step(const Places& places, char c) const {
  Places next = (places & literal_[static_cast<unsigned char>(c)]) << 1;
  next |= places & any_;
  if (c != separator_) next |= places & level_;
  return through_wildcards(next);
}

bool ListPattern::matches(std::string_view name) const {
  Places places = start();
  for (const char c : name) {
    places = step(places, c);
    if (places.none()) return false;
  }
  return places[end_];
}

bool ListPattern::matches_below(std::string_view parent) const {
  Places places = start();
  for (const char c : parent) places = step(places, c);
  places = step(places, separator_);
  places.reset(end_);
  return places.any();
}

}  // namespace mailroom::imap
