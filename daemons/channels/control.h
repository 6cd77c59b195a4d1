// Between the supervisor and every process it starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "daemons/channels/types.h"

namespace mailroom {

// supervisor -> process
struct AttachChannel {  // one descriptor: an end of a channel, at start and whenever the peer was started
                        // afresh, or the channel lost
  std::string kind;     // name of the row in daemons/processes.h, e.g. "policyd-queued"
  std::string peer;  // the process at the other end and how many channels before this one were lost, unique
                     // over time, e.g. "smtpd-mx#3", "smtpd-mx#3/1"
  static auto fields(auto& m) { return std::tie(m.kind, m.peer); }
};
struct Drain {  // listeners: accept no more, finish what is there, exit; others: finish what must be, exit
  bool at_once = false;  // listeners: end the connections too
  static auto fields(auto& m) { return std::tie(m.at_once); }
};
struct Reconfigure {  // one descriptor: a sealed memfd with the new Config (reload); new connections follow
                      // it
  static auto fields(auto&) { return std::tie(); }
};
struct AccountDirectoriesMade {  // the answer to MakeAccountDirectories; those made are on disk
  std::vector<AccountId> made;
  std::vector<AccountId> failed;
  static auto fields(auto& m) { return std::tie(m.made, m.failed); }
};
using SupervisorToProcess = std::variant<AttachChannel, Drain, Reconfigure, AccountDirectoriesMade>;

// process -> supervisor
struct Ready {
  static auto fields(auto&) { return std::tie(); }
};
inline constexpr std::size_t kMaxAccountDirectories = 200;  // of one request; its answer is one packet
struct MakeAccountDirectories {                             // policyd only; those that are there are fine
  std::vector<AccountId> accounts;
  static auto fields(auto& m) { return std::tie(m.accounts); }
};
struct RemoveAccountDirectory {  // policyd only: renamed aside at once, never reused
  AccountId account = 0;
  static auto fields(auto& m) { return std::tie(m.account); }
};
struct ConnectionCrashed {  // listeners: a child ended abnormally; the listener wants to be replaced (fresh
                            // address layout)
  IpAddress peer;
  static auto fields(auto& m) { return std::tie(m.peer); }
};
struct ChannelLost {  // of a channel that was attached: this end has been closed; for whatever reason
  std::string kind;
  std::string peer;
  static auto fields(auto& m) { return std::tie(m.kind, m.peer); }
};
using ProcessToSupervisor =
    std::variant<Ready, MakeAccountDirectories, RemoveAccountDirectory, ConnectionCrashed, ChannelLost>;

}  // namespace mailroom
