// Starts processes for the supervisor, which is its first child, and hears of their ends.
//
// It has no filter of system calls: whatever it starts would have it too, before its own, so that it could
// forbid nothing that any of them needs, and that any program is executed.  What protects it instead is that
// it hears nobody but the supervisor, in messages of fixed shape that name a row of daemons/processes.h: not
// what to execute, nor as whom or where, which the program hears from mailroomd (warrants.h).
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <vector>

#include "daemons/channels/spawner.h"
#include "daemons/config.h"
#include "daemons/mailroomd/account_directories.h"
#include "daemons/mailroomd/options.h"
#include "daemons/mailroomd/warrants.h"
#include "libcommon/ipc/channel.h"

namespace mailroom {

class Spawner {
 public:
  // Throws std::system_error when there are no root directories.
  Spawner(const Options& options, const Config& config)
      : options_{options}, config_{config}, warrants_{config, options.unprivileged},
        account_directories_{warrants_.spool_mail(), config.uids, options.unprivileged},
        ready_{options.ready_fd} {}

  // Starts the supervisor and serves it to its end, which comes when all others have ended.  Returns the exit
  // status of the system: 0 when the supervisor was content, else 1.  Throws std::system_error if it cannot
  // be started.
  int run();

 private:
  void start_supervisor();
  void serve();
  void on_signals();
  void reap();
  void on_ended(pid_t pid, bool by_signal, int status);
  void on_supervisor();
  void handle(const StartProcess& message, std::vector<Fd> descriptors);
  void handle(const EndProcess& message);
  void handle(const EndConnections& message);
  void handle(const Announce& message);
  void handle(const MakeAccountDirectories& message);

  const Options& options_;
  const Config& config_;
  const Warrants warrants_;
  const AccountDirectories account_directories_;
  Fd ready_;  // until it is said: its number is another's after that
  Fd signals_;
  ipc::MessageChannel<SpawnerToSupervisor, SupervisorToSpawner> supervisor_;
  pid_t supervisor_pid_ = 0;
  std::set<pid_t> children_;  // that have not been reaped, so that their numbers are nobody else's
  std::vector<Fd> passed_;    // for the next
  std::optional<int> status_;
};

}  // namespace mailroom
