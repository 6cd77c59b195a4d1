#include "daemons/mailroomd/sealed_memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace mailroom {

Fd sealed_memfd(std::string_view bytes) {
  Fd file{::memfd_create("block", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!file || ::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    throw std::system_error(errno, std::generic_category(), "memfd");
  return file;
}

}  // namespace mailroom
