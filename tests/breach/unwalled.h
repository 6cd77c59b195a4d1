// A process without walls, in which every primitive must work: what is refused elsewhere is then refused by a
// wall, and not for want of something that the primitive needs.
#pragma once

#include <sys/types.h>

#include <string>

namespace breach {

// It is no user of the host, has capabilities without root's uid, namespaces of its own but for network and
// processes, and what processes of the system have: a channel, sockets of the network, a memfd, a log pipe
// at 2. What would change the machine itself it cannot do: it may load no module and start no kernel.
class Unwalled {
 public:
  // `directory`: where it is; made, if it is not there.  Throws std::runtime_error.
  explicit Unwalled(const std::string& directory);
  // Ends it.
  ~Unwalled();
  Unwalled(const Unwalled&) = delete;
  Unwalled& operator=(const Unwalled&) = delete;

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

}  // namespace breach
