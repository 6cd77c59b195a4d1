// Certificates out of PEM text.  Internal to libcommon/tls.
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

}  // namespace mailroom::tls
