// The answer in a DNS message, as records (RFC 1035 4, 3.3; RFC 3596; RFC 6698 2.1).  Pure.
//
// The message is what libunbound hands over after validation; it was made from what strangers' servers sent,
// so that nothing in it is trusted to be well-formed.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "libcommon/dns/question.h"

namespace mailroom::dns {

// Outcome, time to live, canonical name and records; not the security, which no message can say of itself.
// Records of other types and of other names than the question's, after following its CNAMEs, do not count.
//
//   NXDOMAIN, also after CNAMEs   no_domain
//   no record of that type        no_data
//   MX and PTR that name no host  left out; when none is left, failed
//
// The error says what is wrong with the message or goes beyond libcommon/dns/limits.h: the lookup has failed.
std::expected<Answer, std::string> read_answer(std::string_view message, const Question& question);

}  // namespace mailroom::dns
