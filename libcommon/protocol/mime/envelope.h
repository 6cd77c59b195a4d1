// The fields of a header that IMAP calls its envelope (RFC 3501 7.4.2).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "libcommon/protocol/rfc5322/address.h"
#include "libcommon/protocol/rfc5322/header.h"

namespace mailroom::mime {

// As the header has them; that Sender and Reply-To default to From is said where the envelope is rendered.
struct Envelope {
  std::optional<std::string> date;
  std::optional<std::string> subject;  // encoded words as they are
  std::vector<rfc5322::Address> from;
  std::vector<rfc5322::Address> sender;
  std::vector<rfc5322::Address> reply_to;
  std::vector<rfc5322::Address> to;
  std::vector<rfc5322::Address> cc;
  std::vector<rfc5322::Address> bcc;
  std::optional<std::string> in_reply_to;
  std::optional<std::string> message_id;

  bool operator==(const Envelope&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.date, m.subject, m.from, m.sender, m.reply_to, m.to, m.cc, m.bcc, m.in_reply_to,
                    m.message_id);
  }
};

// Of a field that should be there once the last counts, as in Dovecot and Cyrus; the addresses of repeated
// fields are one list, so that nobody can show one author to a filter and another to the reader.
//
// `address_room` is how many addresses may still be kept of the message, and is reduced by those that are.
Envelope make_envelope(const std::vector<rfc5322::Field>& fields, std::size_t& address_room);

}  // namespace mailroom::mime
