// Where StsDesk gets policy files from: the addresses of mta-sts.DOMAIN from dnsd, the file from stsd.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemons/base/dns_client.h"
#include "daemons/channels/stsd.h"
#include "daemons/policyd/sts_desk.h"
#include "libcommon/event/channel_handler.h"
#include "libcommon/sys/ip_network.h"

namespace mailroom::policyd {

class StsFetch {
 public:
  using Done = std::function<void(const StsDesk::Fetched&)>;

  // `allowed`: networks that are private and may be connected to all the same; read at each fetch.
  StsFetch(event::Loop& loop, DnsClient& dns, const std::vector<IpNetwork>& allowed);

  void attach(const std::string& peer, Fd fd);

  // Calls back once, later or at once; also when stsd goes away.
  void fetch(const std::string& domain, Done done);

 private:
  using Channel = event::ChannelHandler<PolicydToStsd, StsdToPolicyd>;
  struct Lookup;

  void look_up(dns::Type type, const std::string& host, const std::shared_ptr<Lookup>& lookup);
  void looked_up(const Lookup& lookup);
  void fetched(const StsFileFetched& file);
  void gone();

  event::Loop& loop_;
  DnsClient& dns_;
  const std::vector<IpNetwork>& allowed_;
  std::unique_ptr<Channel> stsd_;
  std::map<std::uint64_t, Done> open_;
  std::uint64_t last_ = 0;
};

}  // namespace mailroom::policyd
