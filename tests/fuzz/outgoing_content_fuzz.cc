// A message on its way out (SECURITY.md V3): what is sent is one message, the same, to a receiver that keeps
// to RFC 5321 and to three that do not.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/protocol/smtp/data_scanner.h"
#include "libcommon/protocol/smtp/outgoing_content.h"

using namespace mailroom::smtp;

namespace {

// Cut into pieces of 1 to 16 octets, by the first two octets of the input.
std::string stuffed(std::string_view content, std::uint32_t random) {
  std::string wire;
  DotStuffer stuffer;
  while (!content.empty()) {
    random = random * 1664525 + 1013904223;
    const std::string_view piece = content.substr(0, 1 + (random >> 28));
    stuffer.append(piece, wire);
    content.remove_prefix(piece.size());
  }
  stuffer.finish(wire);
  return wire;
}

struct Collector : ContentSink {
  std::string bytes;
  void content(std::string_view piece) override { bytes += piece; }
};

std::string received(std::string_view wire) {
  DataScanner scanner;
  Collector sink;
  const auto step = scanner.feed(wire, sink);
  if (!step.ended || step.consumed != wire.size()) std::abort();
  if (scanner.has_bare_line_end()) std::abort();
  return sink.bytes;
}

// Ends of data that some servers take beside CRLF "." CRLF: none is in it but the true one, at its end.
void check_sloppy(std::string_view wire) {
  const std::string text = "\r\n" + std::string{wire};
  const std::size_t true_end = text.size() - std::string_view{"\n.\r\n"}.size();
  for (const char* end : {"\n.\n", "\r.\r", "\n.\r"})
    if (const std::size_t at = text.find(end); at != text.npos && at != true_end) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view content{reinterpret_cast<const char*>(data) + 2, size - 2};
  const ContentNeeds needs = needs_of(content);
  const bool eight_bit = std::ranges::any_of(content, [](char c) { return (c & 0x80) != 0; });
  if (needs.eight_bit != eight_bit || (needs.eight_bit_header && !eight_bit)) std::abort();
  if (needs.bare_line_end) return 0;  // is never sent
  const std::string wire = stuffed(content, data[0] | data[1] << 8);
  std::string expected{content};
  if (!content.empty() && !content.ends_with("\r\n")) expected += "\r\n";
  if (received(wire) != expected) std::abort();
  check_sloppy(wire);
  return 0;
}
