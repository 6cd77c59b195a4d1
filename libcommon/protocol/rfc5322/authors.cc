#include "libcommon/protocol/rfc5322/authors.h"

#include <algorithm>

#include "libcommon/protocol/rfc5322/address.h"
#include "libcommon/protocol/rfc5322/header.h"
#include "libcommon/text/ascii.h"

namespace mailroom::rfc5322 {
namespace {

// A control in an address is nothing that two readers are sure to see alike.
bool has_control(const Address& address) {
  return std::ranges::any_of(address.mailbox, is_control) || std::ranges::any_of(address.host, is_control);
}

void add_authors(const Field& field, Authors& authors) {
  const auto room = kMaxAddresses - std::min(kMaxAddresses, authors.addresses.size());
  const auto list = parse_address_list(field.value, room);
  authors.well_formed =
      authors.well_formed && list.well_formed && std::ranges::none_of(list.addresses, has_control);
  for (const Address& address : list.addresses) {
    if (address.kind == AddressKind::mailbox)
      authors.addresses.push_back(address.mailbox + '@' + address.host);
  }
}

}  // namespace

Authors from_authors(std::string_view text) {
  Authors authors;
  FieldScanner scanner(text);
  while (const auto field = scanner.next()) {
    const bool is_from = equals_ignoring_case(field->name, "from");
    if (is_from) ++authors.fields;
    if (is_from || equals_ignoring_case(field->name, "sender")) add_authors(*field, authors);
  }
  return authors;
}

}  // namespace mailroom::rfc5322
