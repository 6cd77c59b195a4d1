#include "tests/transcripts/transcript.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace mailroom::transcript {
namespace {

bool take(std::string_view& line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return false;
  line.remove_prefix(prefix.size());
  return true;
}

bool matches(std::string_view line, std::string_view pattern) {
  if (pattern.ends_with('*')) return line.starts_with(pattern.substr(0, pattern.size() - 1));
  return line == pattern;
}

void take_setting(std::string_view line, Transcript& transcript) {
  const std::size_t space = line.find(' ');
  const std::string_view value = space == std::string_view::npos ? "" : line.substr(space + 1);
  transcript.settings.emplace(line.substr(0, space), value);
}

// The turn that may still be added to before anything is sent.
Turn& turn_for_expectation(Transcript& transcript) {
  if (!transcript.turns.back().sent.empty() || transcript.turns.back().times_out)
    transcript.turns.emplace_back();
  return transcript.turns.back();
}

void take_line(std::string_view line, Transcript& transcript) {
  if (line.empty() || line.starts_with('#')) return;
  if (take(line, "@")) return take_setting(line, transcript);
  if (line == "--") {
    transcript.turns.emplace_back();
  } else if (line == "S: <closed>") {
    transcript.ends_closed = true;
  } else if (take(line, "S: ")) {
    turn_for_expectation(transcript).expected.emplace_back(line);
  } else if (take(line, "C: ") || line == "C:") {
    transcript.turns.back().sent += line == "C:" ? "\r\n" : unescape(line) + "\r\n";
  } else if (take(line, "C~ ")) {
    transcript.turns.back().sent += unescape(line);
  } else if (line == "C! timeout") {
    turn_for_expectation(transcript).times_out = true;
  } else if (take(line, "P: ")) {
    transcript.peer_events.emplace_back(line);
  } else {
    throw std::runtime_error("not a line of a transcript: " + std::string(line));
  }
}

}  // namespace

std::string Transcript::setting(const std::string& name, const std::string& otherwise) const {
  const auto found = settings.find(name);
  return found == settings.end() ? otherwise : found->second;
}

Transcript read_transcript(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return parse_transcript(std::string{std::istreambuf_iterator<char>(file), {}});
}

Transcript parse_transcript(std::string_view text) {
  Transcript transcript;
  transcript.turns.emplace_back();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    take_line(text.substr(0, end), transcript);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  turn_for_expectation(transcript);
  return transcript;
}

std::string escape(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '\\') {
      text += "\\\\";
    } else if (c == '\0') {
      text += "\\0";
    } else if (c < ' ' || c > '~') {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  return text;
}

std::string unescape(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    switch (text.at(++i)) {
    case 'r':
      bytes += '\r';
      break;
    case 'n':
      bytes += '\n';
      break;
    case 't':
      bytes += '\t';
      break;
    case '0':
      bytes += '\0';
      break;
    case '\\':
      bytes += '\\';
      break;
    case 'x':
      bytes += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
      break;
    default:
      throw std::runtime_error("unknown escape in " + std::string(text));
    }
  }
  return bytes;
}

std::size_t ScriptStream::read(std::span<char> into) {
  const Turn& turn = transcript_.turns[turn_];
  if (!turn_open_) {
    if (!check_expected()) throw StreamError(StreamError::Kind::failed, "transcript");
    turn_open_ = true;
    if (turn.times_out) {
      ++turn_;
      turn_open_ = false;
      throw StreamError(StreamError::Kind::timeout, "transcript");
    }
  }
  if (sent_ == turn.sent.size()) {
    if (turn_ + 1 == transcript_.turns.size()) {
      client_closed_ = true;
      return 0;
    }
    ++turn_;
    sent_ = 0;
    turn_open_ = false;
    return read(into);
  }
  const std::size_t wanted = pace_ == Pace::octets ? 1 : into.size();
  const std::size_t count = std::min({wanted, into.size(), turn.sent.size() - sent_});
  std::copy_n(turn.sent.begin() + static_cast<std::ptrdiff_t>(sent_), count, into.begin());
  sent_ += count;
  return count;
}

// Compares the output so far with what this turn expects, and forgets it.
bool ScriptStream::check_expected() {
  std::string_view output = output_;
  for (const std::string& pattern : transcript_.turns[turn_].expected) {
    const std::size_t end = output.find("\r\n");
    if (end == std::string_view::npos || !matches(output.substr(0, end), pattern)) {
      wrong_ = fmt::format("expected \"{}\"\n     got \"{}\"", pattern, escape(output));
      return false;
    }
    output.remove_prefix(end + 2);
  }
  if (!output.empty()) wrong_ = fmt::format("not expected: \"{}\"", escape(output));
  output_.clear();
  return wrong_.empty();
}

std::string ScriptStream::verdict() {
  if (!wrong_.empty()) return fmt::format("turn {}: {}", turn_, wrong_);
  if (!turn_open_ || turn_ + 1 != transcript_.turns.size()) {
    if (turn_open_) ++turn_;
    if (turn_ + 1 != transcript_.turns.size())
      return fmt::format("ended at turn {} of {}: {}", turn_, transcript_.turns.size(), escape(output_));
    if (!check_expected()) return fmt::format("at the end: {}", wrong_);
  } else if (!output_.empty()) {
    return fmt::format("after the client closed: \"{}\"", escape(output_));
  }
  if (transcript_.ends_closed && client_closed_) return "the server did not close";
  if (!transcript_.ends_closed && !client_closed_) return "the server closed";
  return {};
}

}  // namespace mailroom::transcript
