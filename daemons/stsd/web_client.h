// HTTPS by libcurl in an event loop: fetches https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461 3.3),
// and posts reports on TLS (RFC 8460 3).  To the addresses that it is given and no other, by a name that the
// server must prove; no redirect is followed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemons/channels/stsd.h"
#include "libcommon/event/loop.h"
#include "libcommon/sys/ip_address.h"

namespace mailroom::stsd {

class WebClient {
 public:
  struct Settings {
    std::string authorities_pem;  // whom the web servers' certificates are believed by; empty: nobody
    std::uint16_t port = 443;
    std::chrono::milliseconds timeout{60'000};  // for all of one request (RFC 8461 3.3 suggests one minute)
  };
  struct Fetched {
    std::string file;
    std::string result;   // empty: fetched; sts-policy-fetch-error, sts-policy-invalid or sts-webpki-invalid
    std::string problem;  // in words, printable ASCII
  };
  using OnFetched = std::function<void(Fetched&&)>;
  // In words, printable ASCII; empty: the server has it.
  using OnPosted = std::function<void(std::string&& problem)>;

  // What a server may say to a report; it is not looked at.
  static constexpr std::size_t kMaxAnswer = 16 * 1024;

  // Before the jail: libcurl and OpenSSL read what they need.  Throws std::runtime_error.
  WebClient(event::Loop& loop, Settings settings);
  ~WebClient();

  // These call back once, from the loop or at once.  At most kMaxStsFetches and kMaxReportPosts are under way
  // at a time; one more has failed at once.

  // Of the response only status 200 of type text/plain counts, and at most routing::kMaxStsPolicy octets.
  void fetch_policy(const std::string& domain, const std::vector<IpAddress>& addresses, OnFetched then);

  // `path` is that of tlsrpt::WebTarget.  Of the response only the status counts: any 2xx, however
  // the response ends.
  void post_report(const std::string& host, const std::string& path, const std::vector<IpAddress>& addresses,
                   std::string report, OnPosted then);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace mailroom::stsd
