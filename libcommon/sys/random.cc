#include "libcommon/sys/random.h"

#include <sys/random.h>

#include <cerrno>

#include "libcommon/sys/fatal.h"

namespace mailroom {

void fill_random(void* into, std::size_t size) {
  auto* at = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t got = ::getrandom(at, size, 0);
    if (got < 0 && errno != EINTR) fatal_errno("getrandom");
    if (got > 0) {
      at += got;
      size -= static_cast<std::size_t>(got);
    }
  }
}

}  // namespace mailroom
