// Certificates and revocation lists out of PEM text.  Internal to libcommon/tls.
#pragma once

#include <openssl/types.h>

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::tls {

// All of them, in their order; text around them is ignored.  The error says in words what is wrong, also with
// more than `limit`.
std::expected<std::vector<std::shared_ptr<X509>>, std::string> read_certificates(std::string_view pem,
                                                                                 std::size_t limit);

// The same of revocation lists, of which there is no limit but that of the text; and there is one at least.
std::expected<std::vector<std::shared_ptr<X509_CRL>>, std::string> read_revocations(std::string_view pem);

}  // namespace mailroom::tls
