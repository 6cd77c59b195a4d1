// The supervisor's end of the channel to mailroomd (daemons/channels/spawner.h).
#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "daemons/channels/spawner.h"
#include "libcommon/ipc/channel.h"

namespace mailroom {

class SpawnerClient {
 public:
  using Event = std::variant<ProcessEnded, ConnectionsEnded, OrderCame>;
  struct Started {
    pid_t pid;
    Fd control;
  };

  explicit SpawnerClient(Fd channel) : channel_{std::move(channel)} {}

  // Waits until mailroomd has done it.  Throws std::system_error if it could not, or if there is no room for
  // the descriptors, in the sockets or here.
  Started start(Role role, int log, int launch, const std::vector<int>& passed);
  void end(pid_t pid) { channel_.send(EndProcess{pid}); }
  void end_connections(pid_t listener, Whose whose) { channel_.send(EndConnections{listener, whose}); }
  // Waits until mailroomd has done it: what is made is on disk.
  AccountDirectoriesMade make(const MakeAccountDirectories& request);
  void remove(const RemoveAccountDirectory& request) { channel_.send(request); }
  void announce(Notice notice) { channel_.send(Announce{notice}); }

  // What has come, in its order; never waits.  To be asked until there is no more when fd() is readable, and
  // after start() and make().  Fatal when mailroomd has gone.
  std::optional<Event> next();
  bool has_next() const { return !waiting_.empty(); }
  int fd() const { return channel_.fd(); }

 private:
  using Channel = ipc::MessageChannel<SupervisorToSpawner, SpawnerToSupervisor>;
  void pass(std::span<const int> descriptors);
  void send_with(const SupervisorToSpawner& message, std::span<const int> descriptors);

  Channel channel_;
  std::deque<Event> waiting_;  // came while another answer was waited for
};

}  // namespace mailroom
