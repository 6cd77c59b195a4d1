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
  std::vector<int> passed = {};             // become kControlFd and up, in this order; -1: none
};

// Throws std::system_error if no process can be made; a program that cannot be executed ends with status 127
// and a line in its log.
pid_t spawn(const SpawnRequest& request);

}  // namespace mailroom
