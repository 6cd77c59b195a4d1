// Starts one process with exactly the descriptors it is to have.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/sys/fd.h"

namespace mailroom {

struct SpawnRequest {
  std::string program;      // path
  std::string name;         // argv[0]
  int log = -1;             // becomes descriptors 1 and 2
  int control = -1;         // becomes kControlFd
  int launch = -1;          // becomes kLaunchFd
  std::vector<int> passed;  // become kFirstPassedFd and up, in this order
};

struct Spawned {
  pid_t pid = -1;
  Fd pidfd;
};

// Throws std::system_error if no process can be made; a program that cannot be executed ends with status 127
// and a line in its log.
Spawned spawn(const SpawnRequest& request);

// A memfd that nobody can change any more.
Fd sealed_memfd(std::string_view bytes);

}  // namespace mailroom
