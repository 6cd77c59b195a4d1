// A release program that the test has started, behind its walls.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>

#include "daemons/mailroomd/spawn.h"
#include "tests/authority/heard_log.h"

namespace mailroom::test {

class ReleaseProcess {
 public:
  // `request.log` is set here.  Throws std::system_error.
  explicit ReleaseProcess(SpawnRequest request);
  ~ReleaseProcess();  // killed, if it lives
  ReleaseProcess(const ReleaseProcess&) = delete;
  ReleaseProcess& operator=(const ReleaseProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Whether it is the process that was started.
  bool lives() const;
  // As waitpid(2) has it; nothing while it lives.
  std::optional<int> status() const;
  std::size_t descriptors() const;

  HeardLog& log() { return log_; }
  const HeardLog& log() const { return log_; }

 private:
  HeardLog log_;
  pid_t pid_ = -1;
};

}  // namespace mailroom::test
