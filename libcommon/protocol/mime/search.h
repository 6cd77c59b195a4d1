// Looking for text in messages, for SEARCH (RFC 3501 6.4.4): decoded, in any charset, whatever the case;
// linear time and constant memory however long the message or the key.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/protocol/mime/message.h"
#include "libcommon/text/charset.h"

namespace mailroom::mime {

enum class SearchScope {
  body,  // BODY: the text of all parts, and the headers of messages within
  text,  // TEXT: also the message's own header and the MIME headers of its parts
};

// `bytes` is the message that `message` describes.  Text parts are decoded (base64, quoted-printable,
// charset); other leaves are not looked at.
bool message_contains(const Message& message, std::string_view bytes, SearchScope scope,
                      const SearchKey& key);

// Whether a field of that name has a value that contains the key, encoded words decoded.  An empty key is in
// every such field (RFC 3501 6.4.4: HEADER).
bool header_contains(std::string_view header, std::string_view field_name, const SearchKey& key);

}  // namespace mailroom::mime
