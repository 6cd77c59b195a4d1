// Reports on TLS to other domains (RFC 8460): counts outcomes for each day and domain in the shared state,
// and once a day is over writes the reports to the domains that want them.
//
// Each destination of a domain gets the report (RFC 8460 3 lets a reporter do so), and those that it could
// not be sent to are tried again by themselves.  Who has it is stored as soon as that is known, so that a
// restart goes on with the others; a process that dies right before repeats a report, of the same report-id.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemons/channels/policyd.h"
#include "daemons/config.h"
#include "daemons/policyd/sts_desk.h"
#include "libcommon/dns/records.h"
#include "libcommon/event/loop.h"
#include "libcommon/tlsrpt/report.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

inline constexpr std::size_t kMaxReportedDomains =
    10'000;                                           // of all days together; further ones are not counted
inline constexpr std::size_t kMaxReportsAtOnce = 50;  // being looked up or sent; the rest in the next hour
inline constexpr std::uint32_t kReportDays = 2;       // a report that cannot be sent by then is given up

class ReportDesk {
 public:
  using OnTexts = std::function<void(const dns::Answer&)>;
  using LookUpTexts = std::function<void(const std::string& name, OnTexts)>;
  // Sends a message to one address; calls back once, whether it is in the queue.
  using Send = std::function<void(const std::string& to, std::string message, std::function<void(bool)>)>;

  // Posts a report to a web server; calls back once, with what went wrong, or nothing when the server has it.
  using Post = std::function<void(const tlsrpt::WebTarget& target, std::string report,
                                  std::function<void(const std::string& problem)>)>;

  ReportDesk(event::Loop& loop, state::Directory& directory, const Config& config, const StsDesk& sts,
             LookUpTexts look_up, Send send, Post post, StsDesk::Now now);

  void count(const TlsOutcomes& outcomes);
  void count_trouble(const std::string& domain, const StsTrouble& trouble);

  // Writes and sends the reports of the days that are over.  Called soon after the start and then once an
  // hour, by itself.
  void send_due();

 private:
  using Day = std::uint32_t;  // since 1970
  using Key = std::pair<Day, std::string>;
  enum class Outcome : bool { done, failed };

  Day today() const;
  tlsrpt::Tally* tally(const std::string& domain, tlsrpt::PolicyType type);
  void describe_sts(const std::string& domain, tlsrpt::Tally& tally) const;
  void count(const TlsOutcome& outcome);
  void store(const std::set<std::string>& domains);
  void texts_found(const Key& key, const dns::Answer& answer);
  void send_to(const Key& key, const std::string& destination);
  void sent(const Key& key, const std::string& destination, const std::string& problem);
  bool has_reached(const Key& key, const std::string& destination) const;
  tlsrpt::Report report_of(const Key& key) const;
  void over(const Key& key, Outcome outcome);

  state::Directory& directory_;
  const Config& config_;
  const StsDesk& sts_;
  LookUpTexts look_up_;
  Send send_;
  Post post_;
  StsDesk::Now now_;
  std::chrono::seconds until_next_;
  event::Timer look_;
  std::map<Key, std::vector<tlsrpt::Tally>> results_;
  struct Round {
    std::size_t waiting = 1;  // destinations that have not been answered; the question for them counts as one
    bool failed = false;
  };
  std::map<Key, Round> sending_;
  std::map<Key, std::vector<std::string>> reached_;  // destinations that have theirs, while others have not
};

}  // namespace mailroom::policyd
