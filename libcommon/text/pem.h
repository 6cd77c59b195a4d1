// The text form of certificates and of lists of revoked ones (RFC 7468).
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom {

// The octets of each block with that label ("CERTIFICATE"), in their order; blocks with others and the text
// around them are passed over.  Each is one SEQUENCE in DER (X.690), as all is that a certificate authority
// hands out; nothing else of what is in it is looked at.  The error says which block is none: a file that was
// cut off, or is half written.
std::expected<std::vector<std::string>, std::string> decode_pem(std::string_view text,
                                                                std::string_view label);

}  // namespace mailroom
