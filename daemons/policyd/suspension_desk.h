// Suspends devices whose sender address cannot receive reports (REQUIREMENTS C8), and tells their contacts.
//
//   a refused report -- of another kind, or not to an address of the device now --> nothing
//                    -- about a message that has counted -----------------------> nothing
//                    -- counts, with fewer than policyd.device-refused-reports --> noted
//                    -- counts, and is the one too many ------------------------->
//                           dry-run: logged, and the counting begins anew
//                           on: the device is suspended, and its contacts are to be told
//
// Each line is one transaction, and queued has its answer after it: so a crash anywhere leads to its being
// told once more, and to nothing twice.  Who is to be told is kept until the message to them is in the queue.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "daemons/channels/policyd.h"
#include "daemons/config.h"
#include "daemons/policyd/device_desk.h"
#include "daemons/policyd/site.h"
#include "libcommon/event/loop.h"
#include "libcommon/policy/suspension.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

// Until contacts are tried again whom no message could be sent to.
inline constexpr std::chrono::minutes kNoticeRetry{1};

class SuspensionDesk {
 public:
  using SystemClock = std::function<std::uint64_t()>;  // seconds since 1970
  using SiteNow = std::function<const Site&()>;
  enum class Sent : std::uint8_t { yes, not_now, nobody };  // has that address
  using Send = std::function<void(const std::string& to, std::string message, std::function<void(Sent)>)>;

  SuspensionDesk(event::Loop& loop, state::Directory& directory, const Config& config, DeviceDesk& devices,
                 SiteNow site, Send send, SystemClock system_clock);

  // Whether what follows from it is on disk; if not it has to be said again.
  bool refused(const ReportRefused& refusal);
  // Called by itself: after a suspension, at the start, and again while somebody is left.
  void tell_contacts();

 private:
  using Notice = std::pair<std::string, std::string>;  // device, contact
  enum class Outcome : std::uint8_t { noted, known, would_suspend, suspended };
  struct Decision {
    Outcome outcome = Outcome::noted;
    std::size_t reports = 0;  // that count
    std::string why;
  };

  bool concerns(const policy::Registration& device, const std::string& address) const;
  Decision decide(state::Update& update, const policy::Registration& device, const ReportRefused& refusal);
  void follow(const policy::Registration& device, const ReportRefused& refusal, const Decision& decision);

  void tell(const policy::Registration& device, const state::DeviceReports& reports);
  void told(const Notice& notice, Sent sent);
  void forget(const std::string& device, const std::function<bool(const std::string&)>& contact);
  policy::SuspensionNotice notice_to(const policy::Registration& device, const std::string& contact,
                                     const std::string& why) const;

  state::Directory& directory_;
  const Config& config_;
  DeviceDesk& devices_;
  SiteNow site_;
  Send send_;
  SystemClock system_clock_;
  std::set<Notice> sending_;
  event::Timer retry_;
};

}  // namespace mailroom::policyd
