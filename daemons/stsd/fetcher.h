// Fetches https://mta-sts.DOMAIN/.well-known/mta-sts.txt by libcurl in an event loop (RFC 8461 3.3).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/event/loop.h"
#include "libcommon/sys/ip_address.h"

namespace mailroom::stsd {

class Fetcher {
 public:
  struct Settings {
    std::string authorities_pem;  // whom the web servers' certificates are believed by; empty: nobody
    std::uint16_t port = 443;
    std::chrono::milliseconds timeout{60'000};  // for all of one fetch (RFC 8461 3.3 suggests one minute)
  };
  struct Outcome {
    std::string file;
    std::string result;   // empty: fetched; sts-policy-fetch-error, sts-policy-invalid or sts-webpki-invalid
    std::string problem;  // in words, printable ASCII
  };
  using Done = std::function<void(Outcome&&)>;

  // At the same time; one more has failed at once.
  static constexpr std::size_t kMaxTransfers = 40;

  // Before the jail: libcurl and OpenSSL read what they need.  Throws std::runtime_error.
  Fetcher(event::Loop& loop, Settings settings);
  ~Fetcher();

  // Calls back once, from the loop or at once.  Of the response only status 200 of type text/plain counts,
  // and at most routing::kMaxStsPolicy octets; a redirect is a failure.
  void fetch(const std::string& domain, const std::vector<IpAddress>& addresses, Done done);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace mailroom::stsd
