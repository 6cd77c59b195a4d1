#include "libcommon/protocol/mime/envelope.h"

#include <algorithm>
#include <iterator>

#include "libcommon/text/ascii.h"

namespace mailroom::mime {
namespace {

struct TextField {
  std::string_view name;
  std::optional<std::string> Envelope::*member;
};
constexpr TextField kTextFields[] = {{"date", &Envelope::date},
                                     {"subject", &Envelope::subject},
                                     {"in-reply-to", &Envelope::in_reply_to},
                                     {"message-id", &Envelope::message_id}};

struct AddressField {
  std::string_view name;
  std::vector<rfc5322::Address> Envelope::*member;
};
constexpr AddressField kAddressFields[] = {
    {"from", &Envelope::from}, {"sender", &Envelope::sender}, {"reply-to", &Envelope::reply_to},
    {"to", &Envelope::to},     {"cc", &Envelope::cc},         {"bcc", &Envelope::bcc}};

void add_field(Envelope& envelope, const rfc5322::Field& field, std::size_t& address_room) {
  for (const auto& [name, member] : kTextFields) {
    if (equals_ignoring_case(field.name, name)) envelope.*member = rfc5322::unfold(field.value);
  }
  for (const auto& [name, member] : kAddressFields) {
    if (!equals_ignoring_case(field.name, name)) continue;
    auto list = rfc5322::parse_address_list(field.value, address_room);
    address_room -= std::min(address_room, list.addresses.size());
    std::ranges::move(list.addresses, std::back_inserter(envelope.*member));
  }
}

}  // namespace

Envelope make_envelope(const std::vector<rfc5322::Field>& fields, std::size_t& address_room) {
  Envelope envelope;
  for (const auto& field : fields) add_field(envelope, field, address_room);
  return envelope;
}

}  // namespace mailroom::mime
