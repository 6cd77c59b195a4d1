#include "spool/mailbox/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "spool/mailbox/checksum.h"
#include "spool/mailbox/file_name.h"

namespace mailroom::mailbox {
namespace {

[[noreturn]] void raise(const std::string& what) { throw SystemError(errno, what); }

// Below `directory`, through no link and onto no other file system.
Fd open_beneath(int directory, const char* name, std::uint64_t flags, std::uint64_t mode = 0) {
  open_how how{};
  how.flags = flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return Fd{static_cast<int>(syscall(SYS_openat2, directory, name, &how, sizeof how))};
}

struct stat status_of(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) raise("fstat");
  return status;
}

bool is_file_of(const struct stat& status, Owner owner) {
  return S_ISREG(status.st_mode) && (owner == Owner::anyone || status.st_uid == geteuid());
}

}  // namespace

SystemError::SystemError(int n, const std::string& what)
    : std::runtime_error(what + ": " + std::strerror(n)), number{n} {}

Fd open_root(const std::string& path) {
  Fd fd{open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) raise(path);
  return fd;
}

Fd open_directory(int parent, const char* name, Made& made) {
  Fd fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
  if (!fd && errno == ENOENT) {
    if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST) raise(name);
    made = Made::yes;
    fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
  }
  if (!fd) raise(name);
  if (status_of(fd.get()).st_uid != geteuid()) throw SystemError(EPERM, name);
  return fd;
}

std::optional<Fd> open_foreign_directory(int parent, const char* name) {
  Fd fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
  if (!fd) return std::nullopt;
  return fd;
}

std::optional<OpenFile> open_regular(int directory, const char* name, Owner owner) {
  OpenFile file{open_beneath(directory, name, O_RDONLY)};
  if (!file.fd) return std::nullopt;
  file.status = status_of(file.fd.get());
  if (!is_file_of(file.status, owner)) return std::nullopt;
  return file;
}

Fd create_file(int directory, const char* name) {
  Fd fd = open_beneath(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!fd) raise(name);
  return fd;
}

Fd open_writable(int directory, const char* name) {
  Fd fd = open_beneath(directory, name, O_RDWR | O_CREAT, 0600);
  if (!fd) raise(name);
  if (!is_file_of(status_of(fd.get()), Owner::self)) throw SystemError(EPERM, name);
  return fd;
}

std::optional<std::string> read_all(const OpenFile& file, std::uint64_t limit) {
  const auto size = static_cast<std::uint64_t>(file.status.st_size);
  if (size > limit) return std::nullopt;
  std::string octets(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = pread(file.fd.get(), octets.data() + done, size - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    done += static_cast<std::size_t>(n);
  }
  return octets;
}

std::uint32_t checksum_of(const OpenFile& file) {
  constexpr std::uint64_t kBlock = 1 << 20;
  const auto size = static_cast<std::uint64_t>(file.status.st_size);
  std::string block(std::min(size, kBlock), '\0');
  Checksum sum;
  for (std::uint64_t at = 0; at < size;) {
    const ssize_t n = pread(file.fd.get(), block.data(), block.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    sum.add({block.data(), static_cast<std::size_t>(n)});
    at += static_cast<std::uint64_t>(n);
  }
  return sum.value();
}

std::vector<std::string> names_in(int directory) {
  Fd fd = open_beneath(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!fd) raise("directory");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream{fdopendir(fd.get()), closedir};
  if (stream == nullptr) raise("fdopendir");
  fd.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) raise("readdir");
  return names;
}

void write_all(int fd, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t n = write(fd, octets.data(), octets.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) raise("write");
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
}

void sync_data(int fd) {
  if (fdatasync(fd) != 0) raise("fdatasync");
}

void sync_directory(int fd) {
  if (fsync(fd) != 0) raise("fsync");
}

void sync_file_system(int fd) {
  if (syncfs(fd) != 0) raise("syncfs");
}

bool remove_file(int directory, const char* name) {
  if (unlinkat(directory, name, 0) == 0) return true;
  if (errno != ENOENT) raise(name);
  return false;
}

void remove_stale(int directory, std::int64_t now, std::int64_t age, bool (*matches)(std::string_view name)) {
  for (const std::string& name : names_in(directory)) {
    struct stat status {};
    if (!matches(name) || fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (status.st_mtim.tv_sec + age < now)
      unlinkat(directory, name.c_str(), 0);  // a directory stays: not ours
  }
}

std::string random_append_id() {
  std::uint64_t bits = 0;
  while (getrandom(&bits, sizeof bits, 0) != sizeof bits) {
  }
  return fmt::format("~{:016x}", bits);
}

}  // namespace mailroom::mailbox
