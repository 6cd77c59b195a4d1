// Hostile bytes in the index: refused, or a message that can be rendered and that is written as it was read.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libcommon/protocol/mime/imap_render.h"
#include "libcommon/protocol/mime/search.h"
#include "libcommon/protocol/mime/section.h"
#include "libcommon/protocol/mime/summary.h"

using namespace mailroom;
using namespace mailroom::mime;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view blob(reinterpret_cast<const char*>(data), size);
  const auto message = decode_summary(blob);
  if (!message) return 0;
  if (encode_summary(*message) != blob) std::abort();
  std::string out;
  render_envelope(message->envelope(), out);
  render_bodystructure(*message, BodyForm::extended, out);
  const std::uint32_t path[] = {1, 2, 1};
  for (std::size_t length = 0; length <= 3; ++length) {
    const auto range = find_section(*message, std::span(path).first(length), SectionKind::whole);
    if (range && range->begin + range->size > message->size) std::abort();
  }
  static const auto key = SearchKey::make("x").value();
  message_contains(*message, "a file that is shorter", SearchScope::text, key);
  return 0;
}
