#include "daemons/listener/session_start.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "libcommon/ipc/codec.h"

namespace mailroom {

Fd write_session_start(const SessionStart& start) {
  Fd file{::memfd_create("session-start", MFD_CLOEXEC)};
  const std::string bytes = ipc::encode(start);
  if (!file || ::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    throw std::system_error(errno, std::generic_category(), "memfd");
  return file;
}

SessionStart read_session_start(Fd file) {
  std::string bytes(kMaxSessionStart + 1, '\0');
  const ssize_t size = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  if (size < 0 || static_cast<std::size_t>(size) > kMaxSessionStart)
    throw std::runtime_error("the session start is too long");
  auto start = ipc::decode<SessionStart>({bytes.data(), static_cast<std::size_t>(size)});
  if (!start) throw std::runtime_error("the session start does not decode");
  return std::move(*start);
}

}  // namespace mailroom
