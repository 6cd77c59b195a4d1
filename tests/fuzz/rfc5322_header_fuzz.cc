// Headers: the fields are the header, nothing is lost between them; the two filters share them out; pieces do
// not matter.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libcommon/protocol/rfc5322/authors.h"
#include "libcommon/protocol/rfc5322/header.h"
#include "libcommon/protocol/rfc5322/named_fields.h"
#include "libcommon/protocol/rfc5322/tls_required.h"

using namespace mailroom::rfc5322;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  FieldScanner scanner(text);
  std::string lines;
  while (const auto field = scanner.next()) {
    lines += field->lines;
    unfold(field->value);
  }
  check(text.starts_with(lines));
  check(scanner.position() == header_size(text));
  check(index_fields(text).size() <= kMaxFields);
  const auto named = select_fields(text, {"from", "To"}, FieldChoice::named);
  const auto others = select_fields(text, {"from", "To"}, FieldChoice::all_others);
  check(named.size() + others.size() >= lines.size() + 4);
  HeaderCollector collector;
  auto state = HeaderCollector::State::need_more;
  for (std::size_t at = 0; at < size; at += 3) state = collector.feed(text.substr(at, 3));
  if (state != HeaderCollector::State::too_long)
    check(collector.header() == text.substr(0, header_size(text)));
  from_authors(text);
  TlsRequiredScan whole, pieces;
  whole.feed(text);
  for (std::size_t at = 0; at < size; at += 3) pieces.feed(text.substr(at, 3));
  check(whole.says_no() == pieces.says_no());
  constexpr NamedFields::Bounds kBounds{.octets = 40, .fields = 3};
  NamedFields to{"To", kBounds}, to_in_pieces{"To", kBounds};
  to.feed(text);
  to.end();
  for (std::size_t at = 0; at < size; at += 3) to_in_pieces.feed(text.substr(at, 3));
  to_in_pieces.end();
  check(to.count() == to_in_pieces.count() && to.values() == to_in_pieces.values());
  check(to.values().size() == std::min(to.count(), kBounds.fields));
  return 0;
}
