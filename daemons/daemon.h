// The skeleton that every process of the system shares.
//
// mailroomd starts a process with three descriptors of its own: 2 its log pipe, kControlFd the control
// channel, kLaunchFd a sealed memfd with the encoded Launch.  run_daemon() reads it, builds the program,
// jails it as its row in daemons/processes.h says, reports Ready and runs it.
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
inline constexpr int kLaunchFd = 4;
inline constexpr int kFirstPassedFd = 5;

// What a process is started with.  Descriptors are passed by inheritance at the numbers named here.
struct PassedDescriptor {
  std::string name;  // "listen 0" ..., "tools", "key 0" ..., "directory", "log smtpd-mx" ...
  std::int32_t fd = -1;
  static auto fields(auto& m) { return std::tie(m.name, m.fd); }
};

struct Launch {
  Role role{};
  std::string process;        // name of this process, e.g. "smtpd-mx"
  bool unprivileged = false;  // development: no change of uid or root
  std::uint32_t generation =
      0;  // counts the processes that have had this name: after a reload two listeners live
  Config config;
  std::vector<PassedDescriptor> descriptors;
  std::vector<IpAddress> shut_out;  // listeners: clients whose connections caused several crashes
  static auto fields(auto& m) {
    return std::tie(m.role, m.process, m.unprivileged, m.generation, m.config, m.descriptors, m.shut_out);
  }
};

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

// The first steps alone, for processes with a loop of their own (the listeners): reads Launch, or exits with
// a message.
Launch read_launch(Role role);

}  // namespace mailroom
