#include "libcommon/protocol/smtp/forgiving_scanner.h"

namespace mailroom::smtp {

DataScanner::Step ForgivingScanner::feed(std::string_view input, ContentSink& sink) {
  out_.clear();
  std::size_t consumed = 0;
  bool ended = false;
  while (consumed < input.size() && !ended) ended = step(input[consumed++]);
  if (!bare_cr_ && !out_.empty()) sink.content(out_);
  return {consumed, ended};
}

// One octet; true if it completes CRLF "." CRLF.
bool ForgivingScanner::step(char c) {
  switch (state_) {
  case State::line_start:
    if (c == '.') {
      state_ = State::dot;
    } else {
      take(c);
    }
    return false;
  case State::dot:
    if (c == '\r') {
      state_ = State::dot_cr;
    } else {
      take(c);
    }
    return false;
  case State::dot_cr:
  case State::cr:
    if (c == '\n' && state_ == State::dot_cr) return true;
    if (c == '\n') {
      end_line(State::line_start);
    } else {
      bare_cr_ = true;
      state_ = c == '\r' ? State::cr : State::text;
    }
    return false;
  case State::text:
    take(c);
    return false;
  }
  return false;
}

void ForgivingScanner::take(char c) {
  if (c == '\r') {
    state_ = State::cr;
  } else if (c == '\n') {
    end_line(State::text);  // no line start: a dot here is content
  } else {
    put(c);
    state_ = State::text;
  }
}

void ForgivingScanner::put(char c) {
  length_.add(1);
  out_ += c;
}

void ForgivingScanner::end_line(State next) {
  out_ += "\r\n";
  length_.end_line();
  state_ = next;
}

}  // namespace mailroom::smtp
