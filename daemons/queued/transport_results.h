// Hears of each outbound connection that came about or did not, for the counters of TLSRPT (RFC 8460).
#pragma once

#include <string>

#include "daemons/channels/relayd.h"
#include "libcommon/routing/order.h"

namespace mailroom::queued {

class TransportResults {
 public:
  virtual ~TransportResults() = default;

  // A connection to the MX hosts of `domain`: the plan that it was made by, with what TLS had to prove, and
  // what came of it.
  virtual void connected(const std::string& domain, const routing::Plan& plan, const Connected& outcome) = 0;
  virtual void not_connected(const std::string& domain, const routing::Plan& plan,
                             const NotConnected& outcome) = 0;
  // None could be tried.
  virtual void no_way(const std::string& domain, const routing::NoWay& none) = 0;
};

}  // namespace mailroom::queued
