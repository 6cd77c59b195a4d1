#include "spool/queue/directory_storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <system_error>

namespace mailroom::queue {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

Errno outcome(int result) { return result == 0 ? 0 : errno; }

class DiskFile : public File {
 public:
  explicit DiskFile(Fd fd) : fd_{std::move(fd)} {}

  std::expected<std::size_t, Errno> read(std::span<char> into, std::uint64_t offset) override {
    std::size_t got = 0;
    while (got < into.size()) {
      const ssize_t n =
          ::pread(fd_.get(), into.data() + got, into.size() - got, static_cast<off_t>(offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return std::unexpected(errno);
      if (n == 0) break;
      got += static_cast<std::size_t>(n);
    }
    return got;
  }

  Errno write(std::span<const std::string_view> parts, std::uint64_t offset) override {
    return write_all(parts, offset, [this](const iovec* vectors, int count, std::uint64_t at) {
      return ::pwritev(fd_.get(), vectors, count, static_cast<off_t>(at));
    });
  }

  Errno sync() override { return outcome(::fdatasync(fd_.get())); }
  Errno truncate(std::uint64_t size) override {
    return outcome(::ftruncate(fd_.get(), static_cast<off_t>(size)));
  }

  std::uint64_t size() override {
    struct stat status {};
    return ::fstat(fd_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }

 private:
  Fd fd_;
};

std::expected<std::unique_ptr<File>, Errno> disk_file(int fd) {
  if (fd < 0) return std::unexpected(errno);
  return std::make_unique<DiskFile>(Fd{fd});
}

void make_directory(int parent, const char* name) {
  if (::mkdirat(parent, name, kDirectoryMode) != 0 && errno != EEXIST)
    throw std::system_error(errno, std::generic_category(), name);
}

// Leaves out the first `written` octets.
void advance(std::vector<iovec>& parts, std::size_t& first, std::size_t written) {
  while (first < parts.size() && written >= parts[first].iov_len) written -= parts[first++].iov_len;
  if (written == 0) return;
  parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + written;
  parts[first].iov_len -= written;
}

}  // namespace

Errno write_all(std::span<const std::string_view> parts, std::uint64_t offset, const VectorWrite& write) {
  std::vector<iovec> vectors;
  vectors.reserve(parts.size());
  for (const std::string_view part : parts)
    if (!part.empty()) vectors.push_back({const_cast<char*>(part.data()), part.size()});
  for (std::size_t first = 0; first < vectors.size();) {
    const int count = static_cast<int>(std::min<std::size_t>(vectors.size() - first, IOV_MAX));
    const ssize_t n = write(vectors.data() + first, count, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    offset += static_cast<std::uint64_t>(n);
    advance(vectors, first, static_cast<std::size_t>(n));
  }
  return 0;
}

DirectoryStorage::DirectoryStorage(Fd directory) : directory_{std::move(directory)} {
  if (::flock(directory_.get(), LOCK_EX | LOCK_NB) != 0)
    throw std::system_error(errno, std::generic_category(), "another process uses this queue");
  make_directory(directory_.get(), kContentDirectory);
  make_directory(directory_.get(), kQuarantineDirectory);
  if (const Errno error = sync_directory(kTopDirectory); error != 0)
    throw std::system_error(error, std::generic_category(), "sync of the queue directory");
}

std::expected<std::unique_ptr<File>, Errno> DirectoryStorage::create(const std::string& name) {
  return disk_file(::openat(directory_.get(), name.c_str(),
                            O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
}

std::expected<std::unique_ptr<File>, Errno> DirectoryStorage::open(const std::string& name) {
  return disk_file(::openat(directory_.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
}

Errno DirectoryStorage::remove(const std::string& name) {
  return outcome(::unlinkat(directory_.get(), name.c_str(), 0));
}

Errno DirectoryStorage::rename(const std::string& from, const std::string& to) {
  return outcome(::renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()));
}

Errno DirectoryStorage::sync_directory(const std::string& directory) {
  const Fd fd{::openat(directory_.get(), directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return errno;
  return outcome(::fsync(fd.get()));
}

std::expected<std::vector<std::string>, Errno> DirectoryStorage::list(const std::string& directory) {
  const int fd = ::openat(directory_.get(), directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries{::fdopendir(fd), ::closedir};
  if (!entries) return std::unexpected(errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(entries.get()))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  if (errno != 0) return std::unexpected(errno);
  std::ranges::sort(names);
  return names;
}

std::uint64_t DirectoryStorage::free_space() {
  struct statvfs status {};
  if (::fstatvfs(directory_.get(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace mailroom::queue
