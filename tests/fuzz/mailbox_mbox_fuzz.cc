// mbox files: any octets, and what was read is written and read again as the same.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "spool/mailbox/transfer/line_ends.h"
#include "spool/mailbox/transfer/mbox_format.h"

using namespace mailroom::mailbox;

namespace {

std::vector<MboxMessage> parse(std::string_view text) {
  MboxParser parser;
  std::vector<MboxMessage> messages;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (auto message = parser.add_line(line)) messages.push_back(std::move(*message));
  }
  if (auto message = parser.finish()) messages.push_back(std::move(*message));
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (to_local(to_wire(to_local(text))).size() > size) std::abort();
  for (const MboxMessage& message : parse(text)) {
    const auto again = parse(format_mbox_message(message));
    if (again.size() != 1 || again[0].flags != message.flags || again[0].date != message.date) std::abort();
  }
  return 0;
}
