// Starts one process with exactly the descriptors it is to have.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace mailroom {

struct SpawnRequest {
  std::string program;                      // path
  std::string name;                         // argv[0]
  std::vector<std::string> arguments = {};  // and those behind it
  int log = -1;                             // becomes descriptors 1 and 2
  int control = -1;                         // becomes kControlFd
  int launch = -1;                          // becomes kLaunchFd, if there is one
  std::vector<int> passed = {};             // become kFirstPassedFd and up, in this order
};

// Throws std::system_error if no process can be made; a program that cannot be executed ends with status 127
// and a line in its log.
pid_t spawn(const SpawnRequest& request);

}  // namespace mailroom
