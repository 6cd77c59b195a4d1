// Storage in a real directory.
#pragma once

#include <functional>
#include <sys/uio.h>

#include "libcommon/sys/fd.h"
#include "spool/queue/storage.h"

namespace mailroom::queue {

class DirectoryStorage : public Storage {
 public:
  // Takes the queue directory, makes what is missing in it, and keeps every other process from using it as a
  // queue. Throws std::system_error; EWOULDBLOCK when another process has it.
  explicit DirectoryStorage(Fd directory);

  std::expected<std::unique_ptr<File>, Errno> create(const std::string& name) override;
  std::expected<std::unique_ptr<File>, Errno> open(const std::string& name) override;
  Errno remove(const std::string& name) override;
  Errno rename(const std::string& from, const std::string& to) override;
  Errno sync_directory(const std::string& directory) override;
  std::expected<std::vector<std::string>, Errno> list(const std::string& directory) override;
  std::uint64_t free_space() override;

 private:
  Fd directory_;
};

// Calls `write(parts, count, offset)` (pwritev or a test's) until all parts are written; goes on after a
// short write and after EINTR.  A write of 0 octets is EIO.
using VectorWrite = std::function<ssize_t(const iovec*, int, std::uint64_t)>;
Errno write_all(std::span<const std::string_view> parts, std::uint64_t offset, const VectorWrite& write);

}  // namespace mailroom::queue
