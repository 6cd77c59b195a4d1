// What a process is told at its start, and the walls it goes behind.  Used by run_daemon and by the
// listeners.
#pragma once

#include <string>

#include "daemons/daemon.h"
#include "libcommon/sys/become.h"
#include "libcommon/sys/syscall_filter.h"

namespace mailroom {

// The descriptors that were passed to this process, by name.
class PassedDescriptors {
 public:
  explicit PassedDescriptors(const Launch& launch) : descriptors_{launch.descriptors} {}

  // Each is taken once; an invalid Fd when there is none of that name.
  Fd take(const std::string& name);

 private:
  std::vector<PassedDescriptor> descriptors_;
};

// A Config from a memfd of the supervisor's.  Fatal if it does not decode or has other uids than the warrant.
Config read_config(int fd, const Warrant& warrant);

// Signals and the logger, as every process wants them: nothing is ended by a broken pipe or by a Ctrl-C at
// the terminal.
void set_up_process(const Launch& launch);

// Root directory (and current directory), Landlock and capabilities by the role's row; the current directory
// alone with --unprivileged.  `also_reachable` is a further directory that stays reachable through an
// inherited descriptor (-1: none).
void enter_jail(const Launch& launch, int also_reachable = -1);

// The last step: limits and the filter of the role's row.
void close_jail(const Launch& launch);

SystemCallFilter filter_of(Calls calls, const UidConfig& uids);

}  // namespace mailroom
