// A release program behind its walls, started as mailroomd would start it, of whom the test is the supervisor
// and everybody else: it makes all channels, and has the other end of each.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "daemons/channels/control.h"
#include "daemons/config.h"
#include "daemons/processes.h"
#include "libcommon/ipc/channel.h"
#include "tests/authority/heard_log.h"

namespace mailroom::test {

// For what must happen, on however slow a machine.
inline constexpr std::chrono::seconds kPatience{60};

class Receiver {
 public:
  // The directories of the configuration are there, and no process of it runs.  Returns when the program is
  // ready; throws std::runtime_error when it does not become so.
  Receiver(Role role, const Config& config);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  Role role() const { return role_; }
  // Gives it one end of a channel of that row, and returns the other.
  Fd attach(const std::string& row);

  // Whether it has received all channels that it was given.
  bool has_heard() const;
  // Whether it is the process that was started.
  bool lives() const;
  std::size_t descriptors() const;

  // Takes what it has said, to the supervisor and in its log, so that it never waits for the test.
  void hear();
  const HeardLog& log() const { return log_; }

 private:
  Config config_;
  Role role_;
  pid_t pid_ = -1;
  ipc::MessageChannel<SupervisorToProcess, ProcessToSupervisor> control_;
  HeardLog log_;
  std::size_t attached_ = 0;
};

}  // namespace mailroom::test
