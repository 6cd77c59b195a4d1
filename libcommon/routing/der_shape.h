// Whether octets have the shape of a certificate or of a public key, in DER (X.690 8.1).  Pure.
//
// Only what is outermost is looked at: its elements, in their order, and that nothing is left over.
#pragma once

#include <string_view>

namespace mailroom::routing {

bool has_shape_of_certificate(std::string_view der);  // RFC 5280 4.1
bool has_shape_of_key(std::string_view der);          // SubjectPublicKeyInfo, RFC 5280 4.1.2.7

}  // namespace mailroom::routing
