// What policyd has stsd do over HTTPS: fetch MTA-STS policies, post reports on TLS.  The addresses come from
// dnsd.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemons/base/dns_client.h"
#include "daemons/channels/stsd.h"
#include "daemons/policyd/report_desk.h"
#include "daemons/policyd/sts_desk.h"
#include "libcommon/event/channel_handler.h"
#include "libcommon/sys/ip_network.h"
#include "libcommon/tlsrpt/report.h"

namespace mailroom::policyd {

// As many as ReportDesk has at once; one more has failed at once.
inline constexpr std::size_t kMaxWaitingPosts = kMaxReportsAtOnce * tlsrpt::kMaxDestinations;

class WebDesk {
 public:
  using OnPolicy = std::function<void(const StsDesk::Fetched&)>;
  // In words; empty: the server has it.
  using OnPosted = std::function<void(const std::string& problem)>;

  // `allowed`: networks that are private and may be connected to all the same; read at each request.
  WebDesk(event::Loop& loop, DnsClient& dns, const std::vector<IpNetwork>& allowed);

  void attach(const std::string& peer, LeasedFd fd);

  // These call back once, later or at once; also when stsd goes away.
  void fetch_policy(const std::string& domain, OnPolicy then);
  // At most kMaxPostedReport octets; waits while kMaxReportPosts are under way.  stsd has one port: that of
  // the target is the caller's business.
  void post_report(const tlsrpt::WebTarget& target, std::string report, OnPosted then);

 private:
  using Channel = event::ChannelHandler<PolicydToStsd, StsdToPolicyd>;
  using OnAddresses = std::function<void(std::vector<IpAddress> addresses, const std::string& problem)>;
  struct Lookup;
  struct Post {
    tlsrpt::WebTarget target;
    std::string report;
    OnPosted then;
  };

  void start_posts();
  void begin(Post&& post);
  void look_up(const std::string& host, OnAddresses then);
  void answered(const StsFileFetched& file);
  void answered(const TlsReportPosted& report);
  template <typename Then>
  Then take(std::uint64_t question);
  void gone();

  event::Loop& loop_;
  DnsClient& dns_;
  const std::vector<IpNetwork>& allowed_;
  std::unique_ptr<Channel> stsd_;
  std::map<std::uint64_t, std::variant<OnPolicy, OnPosted>> open_;
  std::uint64_t last_ = 0;
  std::deque<Post> posts_;  // that have not begun
  std::size_t posting_ = 0;
};

}  // namespace mailroom::policyd
