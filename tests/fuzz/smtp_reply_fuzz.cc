// Replies of a server: in pieces as at once, always bounded and printable.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/capabilities.h"
#include "libcommon/protocol/smtp/reply_parser.h"

using namespace mailroom::smtp;

namespace {

void require(bool held) {
  if (!held) std::abort();
}

void check(const ServerReply& reply) {
  require(reply.code >= 200 && reply.code < 600);
  require(!reply.lines.empty() && reply.lines.size() <= kMaxServerLines);
  require(reply.text().size() <= kMaxReplyText);
  for (const std::string& line : reply.lines) {
    require(line.size() <= kMaxReplyText);
    require(std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; }));
  }
  require(reply.enhanced.empty() || reply.enhanced.front() == static_cast<char>('0' + reply.code / 100));
  parse_capabilities(reply);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  ReplyParser whole, pieces;
  std::size_t at = 0;
  while (at < input.size()) {
    const auto step = whole.feed(input.substr(at));
    bool fault = false, complete = false;
    std::size_t fed = 0;
    for (; at + fed < input.size() && !fault && !complete; ++fed) {
      const auto one = pieces.feed(input.substr(at + fed, 1));
      fault = !one;
      complete = one && one->complete;
    }
    require(step.has_value() == !fault);
    if (!step) return 0;
    require(step->complete == complete && step->consumed == fed);
    if (!step->complete) return 0;
    const ServerReply reply = whole.take();
    require(reply.lines == pieces.take().lines);
    check(reply);
    at += step->consumed;
  }
  return 0;
}
