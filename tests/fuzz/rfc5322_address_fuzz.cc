// Address lists and identifiers: a well-formed address written out is read back as the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/protocol/rfc5322/address.h"
#include "libcommon/protocol/rfc5322/message_id.h"
#include "libcommon/protocol/rfc5322/subject.h"
#include "libcommon/text/ascii.h"

using namespace mailroom::rfc5322;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto list = parse_address_list(text);
  for (const auto& address : list.addresses) {
    if (!list.well_formed || address.kind != AddressKind::mailbox) continue;
    const auto again = parse_address_list(address_text(address)).addresses;
    if (again.size() != 1 || again[0].mailbox != address.mailbox || again[0].host != address.host)
      std::abort();
  }
  for (const auto& id : parse_message_ids(text)) {
    if (id.find('@') == id.npos) std::abort();
  }
  const auto base = base_subject(text);
  if (base.text.size() > size) std::abort();
  return 0;
}
