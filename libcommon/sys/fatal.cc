#include "libcommon/sys/fatal.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace mailroom {

void fatal(std::string_view what) {
  const std::string line = "fatal what=\"" + std::string{what} + "\"\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(kFatalExit);
}

void fatal_errno(std::string_view what) { fatal(std::string{what} + ": " + std::strerror(errno)); }

}  // namespace mailroom
