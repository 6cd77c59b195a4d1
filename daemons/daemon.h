// The skeleton that every process of the system shares.
//
// mailroomd starts a process with descriptors at fixed numbers: 2 its log pipe, and those below. run_daemon()
// becomes who the warrant says, and only then reads the launch block, builds the program, jails it as its row
// in daemons/processes.h says, reports Ready and runs it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "daemons/channels/control.h"
#include "daemons/config.h"
#include "daemons/processes.h"
#include "libcommon/event/channel_handler.h"
#include "libcommon/event/loop.h"
#include "libcommon/sys/fd.h"
#include "libcommon/sys/leased_fd.h"

namespace mailroom {

inline constexpr int kControlFd = 3;
inline constexpr int kLaunchFd = 4;   // a sealed memfd: the encoded LaunchBlock
inline constexpr int kWarrantFd = 5;  // the same: the encoded Warrant
inline constexpr int kRootFd = 6;     // its root directory, until it is in it
inline constexpr int kMailFd = 7;     // listeners that start sessions: spool-dir/mail
inline constexpr int kFirstPassedFd = 8;

// Who a process is: the word of mailroomd alone, which has it from its own reading of the configuration.
struct Warrant {
  Role role{};
  bool unprivileged = false;  // development: no change of uid or root
  UidConfig uids;
  bool any_port = false;             // TCP connections may go to any port, or
  std::vector<std::uint16_t> ports;  // to these alone
  static auto fields(auto& m) { return std::tie(m.role, m.unprivileged, m.uids, m.any_port, m.ports); }
};

// What it is to do: the word of the supervisor.  Descriptors are passed by inheritance at the numbers named
// here.
struct PassedDescriptor {
  std::string name;  // "listen 0" ..., "tools", "key 0" ..., "log smtpd-mx" ...
  std::int32_t fd = -1;
  static auto fields(auto& m) { return std::tie(m.name, m.fd); }
};

struct LaunchBlock {
  std::uint32_t generation =
      0;          // counts the processes that have had this name: after a reload two listeners live
  Config config;  // with the uids of the warrant
  std::vector<PassedDescriptor> descriptors;
  std::vector<IpAddress> shut_out;  // listeners: clients whose connections caused several crashes
  static auto fields(auto& m) { return std::tie(m.generation, m.config, m.descriptors, m.shut_out); }
};

struct Launch : Warrant, LaunchBlock {};

// What a multiplexing server implements.  Everything it owns hangs on the loop given to its constructor.
class Server {
 public:
  virtual ~Server() = default;

  // Runs after the program's own set-up and before the jail closes: what may never be opened again is opened
  // now.
  virtual void before_jail() {}

  // A channel's end has come: at start, and again whenever the process at the other end was started afresh, a
  // new listener of that kind exists, or the channel was lost.  `kind` is the name of the row in kChannels.
  // Whoever closes it, for whatever reason, gets another after a while, if the process at the other end
  // lives.
  virtual void attach(const std::string& kind, const std::string& peer, LeasedFd fd) = 0;

  // Finish what must be finished and stop the loop.
  virtual void drain() = 0;

  // Runs in the jail (root directory and uid changed, current directory = the Root directory), before the
  // system-call filter closes: threads are made and LMDB environments opened here.
  virtual void start() {}

  // The configuration was reloaded: Host::config, a reference, has its new values already.  Keys whose table
  // row says that they need a restart have not changed.
  virtual void reconfigured() {}

  // Answers to what the server asked of the supervisor through Host::supervisor().
  virtual void on_supervisor(const AccountDirectoriesMade&) {}
};

// What run_daemon gives a server.
struct Host {
  event::Loop& loop;
  const Launch& launch;
  const Config& config;
  // Descriptor that was passed under that name; invalid when there is none.  Taken once.
  std::function<Fd(const std::string& name)> take_descriptor;
  std::function<void(const ProcessToSupervisor&)> tell_supervisor;
};

using MakeServer = std::function<std::unique_ptr<Server>(const Host&)>;

// The main of every multiplexing server.  Returns the exit status.
int run_daemon(Role role, const MakeServer& make_server);

// The first steps alone, for processes with a loop of their own (the listeners): reads the warrant, becomes
// who it says, holding SYS_CHROOT too until enter_jail(), and reads the launch block; or exits with a
// message.
Launch read_launch(Role role);

}  // namespace mailroom
