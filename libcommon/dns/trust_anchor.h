// The keys that validation begins with (RFC 4033 2).  Pure.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::dns {

// DS records of the root's keys: KSK-2017 and KSK-2024 (https://data.iana.org/root-anchors/root-anchors.xml).
const std::vector<std::string>& root_trust_anchors();

// The DS and DNSKEY records of a file in the form of a zone, each on one line, comments removed:
// "NAME [TTL] [IN] DS TAG ALGORITHM DIGEST-TYPE DIGEST".  The error says which line is not such a record.
std::expected<std::vector<std::string>, std::string> parse_trust_anchors(std::string_view text);

}  // namespace mailroom::dns
