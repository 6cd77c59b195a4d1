// Hears of each outbound connection that came about or did not, for the counters of TLSRPT (RFC 8460).
#pragma once

#include <string>
#include <vector>

#include "daemons/channels/relayd.h"
#include "libcommon/routing/next_hop.h"

namespace mailroom::queued {

class TransportResults {
 public:
  virtual ~TransportResults() = default;

  // A connection to the MX hosts of `domain`: the hops it was given, with what TLS had to prove, and what
  // came of it.
  virtual void connected(const std::string& domain, const std::vector<routing::NextHop>& hops,
                         const Connected& outcome) = 0;
  virtual void not_connected(const std::string& domain, const std::vector<routing::NextHop>& hops,
                             const NotConnected& outcome) = 0;
};

}  // namespace mailroom::queued
