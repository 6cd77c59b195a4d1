// Between the supervisor and mailroomd, which starts the processes, hears of their ends, ends them by force,
// and makes the directories of accounts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <variant>

#include "daemons/channels/control.h"
#include "daemons/processes.h"

namespace mailroom {

// Descriptors that one process may be given: its start (daemons/mailroomd/spawn.cc) has room for no more.
inline constexpr std::size_t kMostPassed = 480;
// Listening sockets, or keys, among them: the configuration may name no more.
inline constexpr std::size_t kMostPassedOfAKind = 470;

// supervisor -> mailroomd
struct PassDescriptors {  // to the process that is started next, in this order: any number of these
  bool first = false;     // what was passed before is dropped: its StartProcess never came
  static auto fields(auto& m) { return std::tie(m.first); }
};
struct StartProcess {  // two descriptors: its log and its launch block (daemons/daemon.h)
  Role role{};
  static auto fields(auto& m) { return std::tie(m.role); }
};
struct EndProcess {  // by SIGKILL; nothing happens when it has ended
  std::int32_t pid = 0;
  static auto fields(auto& m) { return std::tie(m.pid); }
};
enum class Whose : std::uint8_t { all, logins, kLast = logins };
struct EndConnections {  // the same of a listener's children: all, or those with the uids of logins
  std::int32_t pid = 0;
  Whose whose{};
  static auto fields(auto& m) { return std::tie(m.pid, m.whose); }
};
enum class Notice : std::uint8_t { ready, stopping, kLast = stopping };
struct Announce {  // to who has started the system: sd_notify(3), --ready-fd
  Notice notice{};
  static auto fields(auto& m) { return std::tie(m.notice); }
};
// MakeAccountDirectories, RemoveAccountDirectory: as policyd has asked for it.
using SupervisorToSpawner = std::variant<PassDescriptors, StartProcess, EndProcess, EndConnections, Announce,
                                         MakeAccountDirectories, RemoveAccountDirectory>;

// mailroomd -> supervisor
struct ProcessStarted {  // the answer to StartProcess; one descriptor: the supervisor's end of its control
                         // channel
  std::int32_t pid = 0;
  static auto fields(auto& m) { return std::tie(m.pid); }
};
struct NotStarted {        // the other answer
  std::int32_t error = 0;  // errno
  static auto fields(auto& m) { return std::tie(m.error); }
};
struct ProcessEnded {  // of one that was started
  std::int32_t pid = 0;
  bool by_signal = false;
  std::int32_t status = 0;  // the signal, or what it returned
  static auto fields(auto& m) { return std::tie(m.pid, m.by_signal, m.status); }
};
struct ConnectionsEnded {  // the answer to EndConnections
  std::int32_t pid = 0;
  std::uint64_t count = 0;
  static auto fields(auto& m) { return std::tie(m.pid, m.count); }
};
enum class Order : std::uint8_t { stop, reload, kLast = reload };
struct OrderCame {  // an operator's signal
  Order order{};
  static auto fields(auto& m) { return std::tie(m.order); }
};
using SpawnerToSupervisor = std::variant<ProcessStarted, NotStarted, ProcessEnded, ConnectionsEnded,
                                         OrderCame, AccountDirectoriesMade>;

}  // namespace mailroom
