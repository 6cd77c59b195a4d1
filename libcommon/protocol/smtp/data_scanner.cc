#include "libcommon/protocol/smtp/data_scanner.h"

namespace mailroom::smtp {

DataScanner::Step DataScanner::feed(std::string_view input, ContentSink& sink) {
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  const char* at = begin;
  const char* run = begin;  // content that the sink has not seen begins here
  const auto emit = [&](const char* until) {
    if (until != run) sink.content({run, static_cast<std::size_t>(until - run)});
  };
  while (at != end && !bare_) {
    if (state_ == State::line_start && *at == '.') {
      emit(at);
      run = ++at;
      state_ = State::dot;
    } else if (state_ == State::line_start || state_ == State::text) {
      at = scan(at, end);
    } else if (step(*at++)) {
      return {static_cast<std::size_t>(at - begin), true};
    }
  }
  if (!bare_ && state_ != State::dot_cr) emit(at);
  while (at != end) {
    if (step(*at++)) return {static_cast<std::size_t>(at - begin), true};
  }
  return {input.size(), false};
}

// From line_start or text, by lines.  Stands still before a line that begins with a dot, and where a lone CR
// or LF is known to come, which step() then finds.
const char* DataScanner::scan(const char* at, const char* end) {
  while (at != end && (state_ == State::text || *at != '.')) {
    const TextScan scanned = scan_text_line(at, end);
    if (scanned.stop == TextScan::Stop::bare) {
      bare_ = true;
      return at;
    }
    length_.add(static_cast<std::size_t>(scanned.at - at));
    at = scanned.at;
    switch (scanned.stop) {
    case TextScan::Stop::after_cr:
      state_ = State::cr;
      return at;
    case TextScan::Stop::end_of_input:
      state_ = State::text;
      return at;
    default:
      state_ = State::line_start;
      length_.end_line();
    }
  }
  return at;
}

// One octet; true if it completes CRLF "." CRLF.
bool DataScanner::step(char c) {
  switch (state_) {
  case State::line_start:
    if (c == '.') {
      state_ = State::dot;
    } else {
      step_text(c);
    }
    return false;
  case State::dot:
    if (c == '\r') {
      state_ = State::dot_cr;
    } else {
      step_text(c);
    }
    return false;
  case State::dot_cr:
    if (c == '\n') return true;
    step_after_cr(c);
    return false;
  case State::cr:
    step_after_cr(c);
    return false;
  case State::text:
    step_text(c);
    return false;
  }
  return false;
}

void DataScanner::step_text(char c) {
  length_.add(1);
  state_ = c == '\r' ? State::cr : State::text;
  if (c == '\n') bare_ = true;
}

void DataScanner::step_after_cr(char c) {
  if (c == '\n') {
    state_ = State::line_start;
    length_.end_line();
    return;
  }
  bare_ = true;
  state_ = c == '\r' ? State::cr : State::text;
}

void ChunkWatch::feed(std::string_view content) {
  const char* at = content.data();
  const char* const end = at + content.size();
  if (after_cr_ && at != end) {
    if (*at++ != '\n') bare_ = true;
    after_cr_ = false;
    length_.end_line();
  }
  while (at != end && !bare_) {
    const TextScan scanned = scan_text_line(at, end);
    length_.add(static_cast<std::size_t>(scanned.at - at));
    at = scanned.at;
    bare_ = scanned.stop == TextScan::Stop::bare;
    after_cr_ = scanned.stop == TextScan::Stop::after_cr;
    if (scanned.stop == TextScan::Stop::end_of_line) length_.end_line();
  }
}

}  // namespace mailroom::smtp
