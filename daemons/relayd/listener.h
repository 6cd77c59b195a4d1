// The relayd listener: root with SETUID, SETGID and SYS_CHROOT and nothing else, below run-dir/relay.  It
// forks a process for each connection that queued asks for, and reads OpenRelay, of fixed size, and nothing
// else (DESIGN.md section 3).
//
// Like the listeners of services it has an epoll loop of its own rather than libevent.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemons/base/launch.h"
#include "daemons/channels/relayd.h"
#include "daemons/listener/supervisor_channel.h"
#include "daemons/listener/uid_pool.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/tls/client_context.h"

namespace mailroom::relayd {

class Listener {
 public:
  explicit Listener(const Launch& launch);
  // Opens what must be open, goes behind the walls, reports Ready and serves until told to drain.
  int run();

 private:
  using Slot = std::uint32_t;
  using Time = std::chrono::steady_clock::time_point;
  struct Child {
    RelayId relay = 0;
    Slot slot = 0;
    Time started;
    Fd channel;  // the child's own end too: shut down to end it, and open for queued until the child is
                 // reaped
  };
  enum class Tag : std::uint32_t { control, signals, queued };

  void make_tls();
  void watch(int fd, Tag tag);
  bool serve_one(Tag tag);
  void attach(const std::string& kind, LeasedFd fd);
  void drain(bool at_once);
  bool finished() const { return draining_ && children_.empty(); }

  void on_queued();
  void open(const OpenRelay& request, Fd channel);
  bool open_credentials(const OpenRelay& request, Fd& child_end);
  void refuse(RelayId relay, std::string_view reason);
  [[noreturn]] void become_child(const OpenRelay& request, Slot slot, Fd to_queued, Fd to_authd);
  void on_child_ended(pid_t pid, int status);

  const Launch& launch_;
  const Config& config_;
  PassedDescriptors passed_;
  const UidPool uids_;
  std::optional<tls::ClientContext> tls_;
  Fd epoll_;
  Fd signals_;
  SupervisorChannel control_;
  ipc::MessageChannel<RelaydToQueued, QueuedToRelayd> queued_;
  ipc::MessageChannel<RelaydToAuthd, RelayToAuthd> authd_;  // authd never speaks here
  std::vector<Slot> free_;
  std::unordered_map<pid_t, Child> children_;
  bool draining_ = false;
  bool crashed_ = false;
};

// The main of relayd.  Returns the exit status.
int run_relayd();

}  // namespace mailroom::relayd
