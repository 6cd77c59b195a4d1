// The data scanner against the words of RFC 5321, with the input cut into pieces at random places.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/protocol/smtp/data_scanner.h"
#include "libcommon/protocol/smtp/forgiving_scanner.h"
#include "libcommon/protocol/smtp/header_watch.h"

using namespace mailroom::smtp;

namespace {

struct Outcome {
  std::size_t end = std::string::npos;  // octets up to and with the end of data
  bool bare = false;
  std::string content;
};

// Slow and plain: the first CRLF "." CRLF, counting the CRLF of the DATA command; then line ends; then dots.
Outcome by_definition(std::string_view input) {
  const std::string text = "\r\n" + std::string(input);
  const std::size_t found = text.find("\r\n.\r\n");
  Outcome outcome;
  if (found != std::string::npos) outcome.end = found + 3;
  const std::string_view lines =
      std::string_view(text).substr(0, found == std::string::npos ? found : found + 2);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] == '\n' && (i == 0 || lines[i - 1] != '\r')) outcome.bare = true;
    if (lines[i] == '\r' && i + 1 < lines.size() && lines[i + 1] != '\n') outcome.bare = true;
    const bool stuffed = i >= 2 && lines[i] == '.' && lines[i - 1] == '\n' && lines[i - 2] == '\r';
    if (i >= 2 && !stuffed) outcome.content += lines[i];
  }
  return outcome;
}

bool has_bare_line_end(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return true;
    if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) return true;
  }
  return false;
}

struct Collector : ContentSink {
  std::string bytes;
  HeaderWatch header;
  void content(std::string_view piece) override {
    if (piece.empty()) std::abort();
    bytes += piece;
    header.feed(piece);
  }
};

// The scanner that forgives a lone LF sees the same end, and passes none on.
void check_forgiving(std::string_view input, const Outcome& expected) {
  if (input.empty()) return;
  ForgivingScanner scanner;
  Collector sink;
  const auto step = scanner.feed(input, sink);
  if (step.ended != (expected.end != std::string::npos) || (step.ended && step.consumed != expected.end))
    std::abort();
  if (has_bare_line_end(sink.bytes)) std::abort();
  if (!expected.bare && step.ended && sink.bytes != expected.content) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  // The first two octets say how to cut.
  std::uint32_t random = data[0] | data[1] << 8 | 0x10000;
  const std::string_view input{reinterpret_cast<const char*>(data) + 2, size - 2};
  const Outcome expected = by_definition(input);

  check_forgiving(input, expected);
  DataScanner scanner;
  Collector sink;
  ChunkWatch watch;
  std::size_t at = 0;
  std::size_t fed = 0;  // to the watch, which knows no end
  bool ended = false;
  while (at < input.size() && !ended) {
    random = random * 1664525 + 1013904223;
    const std::string_view piece = input.substr(at, 1 + (random >> 24) % 17);
    const auto step = scanner.feed(piece, sink);
    watch.feed(piece);
    fed += piece.size();
    at += step.consumed;
    ended = step.ended;
  }
  if (ended != (expected.end != std::string::npos) || (ended && at != expected.end)) std::abort();
  if (scanner.has_bare_line_end() != expected.bare) std::abort();
  // A CR at the very end may still belong to CRLF "." CRLF, and is held back then.
  const bool held_back = !ended && sink.bytes + "\r" == expected.content;
  if (!expected.bare && sink.bytes != expected.content && !held_back) std::abort();
  if (watch.has_bare_line_end() != has_bare_line_end(input.substr(0, fed))) std::abort();
  return 0;
}
