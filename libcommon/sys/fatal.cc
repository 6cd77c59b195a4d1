#include "libcommon/sys/fatal.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace mailroom {

void fatal(std::string_view what) {
  // As the logger writes it (daemons/log.h), which this layer cannot use.
  const std::string line =
      "[" + std::to_string(::getpid()) + "] fatal reason=\"" + std::string{what} + "\"\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(kFatalExit);
}

void fatal_errno(std::string_view what) { fatal(std::string{what} + ": " + std::strerror(errno)); }

}  // namespace mailroom
