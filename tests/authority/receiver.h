// A release program behind its walls, started as mailroomd would start it, of whom the test is the supervisor
// and everybody else: it makes all channels, and has the other end of each.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemons/channels/control.h"
#include "daemons/config.h"
#include "daemons/processes.h"
#include "libcommon/ipc/channel.h"
#include "tests/authority/release_process.h"

namespace mailroom::test {

// For what must happen, on however slow a machine.
inline constexpr std::chrono::seconds kPatience{60};

using Passed = std::vector<std::pair<std::string, Fd>>;

class Receiver {
 public:
  // The directories of the configuration are there, and no process of it runs.  Returns when the program is
  // ready; throws std::runtime_error when it does not become so.
  // `passed` are descriptors by their names in the launch block, beside keys and keytab, which it always has.
  Receiver(Role role, const Config& config, Passed passed = {});

  Role role() const { return role_; }
  // Gives it one end of a channel of that row, and returns the other.
  Fd attach(const std::string& row);

  // Whether it has received all channels that it was given.
  bool has_heard() const;
  pid_t pid() const { return process_->pid(); }
  bool lives() const { return process_->lives(); }
  std::optional<int> status() const { return process_->status(); }
  std::size_t descriptors() const { return process_->descriptors(); }

  // Takes what it has said, to the supervisor and in its log, so that it never waits for the test.
  void hear();
  const HeardLog& log() const { return process_->log(); }
  std::vector<std::string> take_lines() { return process_->log().take_lines(); }
  // Its control channel, for what no honest supervisor says.
  int control() const { return control_.fd(); }

 private:
  Role role_;
  std::unique_ptr<ReleaseProcess> process_;
  ipc::MessageChannel<SupervisorToProcess, ProcessToSupervisor> control_;
  std::size_t attached_ = 0;
};

}  // namespace mailroom::test
