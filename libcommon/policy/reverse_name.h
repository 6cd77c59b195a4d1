// Forward-confirmed reverse DNS: whose address it is, by a name that leads there and back.  Pure: from
// answers of the DNS to one of five outcomes.
//
// The names of the address's PTR records are tried in their order, kMaxNames of them; the resolver follows
// aliases (CNAME) on both ways.  One name whose addresses hold the client's is enough.  A failure of the DNS
// is never taken for an absence: while any answer that could still confirm is not known, neither is the
// outcome.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/dns/records.h"
#include "libcommon/policy/facts.h"
#include "libcommon/sys/ip_address.h"

namespace mailroom::policy {

// PTR names that are looked at; an address may have any number.
inline constexpr std::size_t kMaxNames = 8;

// The names to ask for the addresses of: lower case, without a final dot, each once; only what
// dns::is_domain_name() takes: hosts are more strangely named than they should be.
std::vector<std::string> names_to_ask(const dns::Answer& ptr);

struct ReverseNameFound {
  ReverseName outcome = ReverseName::unknown;
  std::vector<std::string> names;  // confirmed ones, in the order of the PTR records
  std::uint32_t ttl = 0;           // seconds that all of it may be kept; of failures 0
  bool incomplete = false;         // the DNS failed for other names, which may be confirmed too
};

// `answers` are A, or AAAA for a client with IPv6, of names_to_ask(), in its order.
ReverseNameFound confirm_names(const IpAddress& client, const dns::Answer& ptr,
                               const std::vector<dns::Answer>& answers);

// The outcome in words: "scanner1.example.org, confirmed".
std::string words_of(const ReverseNameFound& found);

}  // namespace mailroom::policy
