// What queued asks on its own account (queued-policyd): where a report goes, the MTA-STS policy of a domain;
// and what it tells: of TLS, for the reports of RFC 8460, and of reports to devices that were refused.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemons/channels/policyd.h"
#include "daemons/policyd/site.h"
#include "daemons/policyd/sts_desk.h"
#include "libcommon/event/channel_handler.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

class QuestionDesk {
 public:
  using OnOutcomes = std::function<void(const TlsOutcomes&)>;
  // Whether what follows from it is on disk.
  using OnRefusal = std::function<bool(const ReportRefused&)>;
  using SiteNow = std::function<const Site&()>;

  QuestionDesk(event::Loop& loop, state::Directory& directory, SiteNow site, StsDesk& sts,
               OnOutcomes on_outcomes, OnRefusal on_refusal);

  void attach(const std::string& peer, LeasedFd fd);

  // Where a message of our own to an address goes.
  AddressResolved resolve(const ResolveAddress& question) const;

 private:
  using Channel = event::ChannelHandler<PolicydAnswersQueued, QueuedAsksPolicyd>;

  // What no honest queued says; nothing when all is well.
  const char* on_message(const ResolveAddress& question);
  const char* on_message(const FindStsPolicy& question);
  const char* on_message(const TlsOutcomes& outcomes);
  const char* on_message(const ReportRefused& refusal);

  event::Loop& loop_;
  state::Directory& directory_;
  SiteNow site_;
  StsDesk& sts_;
  OnOutcomes on_outcomes_;
  OnRefusal on_refusal_;
  std::shared_ptr<Channel> channel_;  // answers that come late hold it weakly
};

}  // namespace mailroom::policyd
