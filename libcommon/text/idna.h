// Domain names of other scripts (RFC 5890): the form that the DNS knows.  With charset.h the door to ICU.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailroom {

// Loads what the conversion needs.  Call once at start, before any sandbox.
void prepare_idna();

// The domain in A-labels and lower case, "xn--bcher-kva.example" for "Bücher.example" (UTS #46,
// non-transitional, with the rules of RFC 5891 for hyphens, and for scripts that are written from the right).
// Nothing for what has no such form: labels that IDNA does not allow, A-labels that stand for nothing, more
// than 63 octets in a label or 253 in all.
std::optional<std::string> to_a_labels(std::string_view domain);

}  // namespace mailroom
