#include "daemons/deliverd/mail_drop.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "spool/mailbox/checksum.h"
#include "spool/mailbox/file_name.h"
#include "spool/queue/queue_id.h"

namespace mailroom::deliverd {
namespace {

constexpr mode_t kFileMode = 0600;
// Up to so many files each is synced by itself; more are made durable by one sync of the file system, which
// costs the same for ten as for a thousand, but also waits for what others have written there.
constexpr std::size_t kFewFiles = 4;

using Failure = MailDrop::Failure;

Failure failure_of(const char* call, int error) {
  const DeliveryFailure kind =
      error == ENOSPC || error == EDQUOT ? DeliveryFailure::no_space : DeliveryFailure::system_error;
  return {kind, fmt::format("{}: {}", call, std::strerror(error))};
}

constexpr std::uint64_t kBlock = 512;  // of st_blocks (stat(3type))

// The content of a sealed memfd; empty when it is not what queued sends.
class Mapping {
 public:
  Mapping(const Fd& memfd, std::size_t size) : size_{size} {
    constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK;
    struct stat status {};
    if ((::fcntl(memfd.get(), F_GET_SEALS) & kSeals) != kSeals || ::fstat(memfd.get(), &status) != 0 ||
        static_cast<std::size_t>(status.st_size) != size || size > mailbox::kMaxMessageLength)
      return;
    // Holes would become memory of this process's as they are read.
    if (static_cast<std::uint64_t>(status.st_blocks) * kBlock < size) return;
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, memfd.get(), 0);
    if (at != MAP_FAILED) at_ = static_cast<const char*>(at);
  }
  ~Mapping() {
    if (at_ != nullptr) ::munmap(const_cast<char*>(at_), size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  explicit operator bool() const { return at_ != nullptr; }
  std::string_view bytes() const { return {at_, size_}; }

 private:
  const char* at_ = nullptr;
  std::size_t size_;
};

int write_both(const Fd& file, std::string_view top, std::string_view content) {
  while (!top.empty() || !content.empty()) {
    const std::array<iovec, 2> parts{
        {{const_cast<char*>(top.data()), top.size()}, {const_cast<char*>(content.data()), content.size()}}};
    const ssize_t n = ::writev(file.get(), parts.data(), static_cast<int>(parts.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    const std::size_t of_top = std::min(static_cast<std::size_t>(n), top.size());
    top.remove_prefix(of_top);
    content.remove_prefix(static_cast<std::size_t>(n) - of_top);
  }
  return 0;
}

std::string name_of(const Deliver& message, std::string_view content) {
  mailbox::Checksum checksum;
  checksum.add(message.top);
  checksum.add(content);
  return mailbox::format_file_name(
      {fmt::format("{}.{}", queue::id_text(message.id.queue_id), message.id.recipient),
       message.top.size() + content.size(), checksum.value()});
}

// A file that a crash left under this name is of no use to anyone.
Fd create_file(const Fd& directory, const std::string& name) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Fd file{::openat(directory.get(), name.c_str(), kFlags, kFileMode)};
  if (file || errno != EEXIST || ::unlinkat(directory.get(), name.c_str(), 0) != 0) return file;
  return Fd{::openat(directory.get(), name.c_str(), kFlags, kFileMode)};
}

}  // namespace

bool Batch::make_durable() {
  const bool few = files_ <= kFewFiles;
  if (!few) return ::syncfs(directories_.at(first_).fd.get()) == 0;
  return std::ranges::all_of(directories_, [](const auto& entry) {
    const Directory& directory = entry.second;
    return std::ranges::all_of(directory.files,
                               [](const Fd& file) { return ::fdatasync(file.get()) == 0; }) &&
           ::fsync(directory.fd.get()) == 0;
  });
}

std::unique_ptr<Batch> MailDrop::take_batch() { return std::exchange(batch_, std::make_unique<Batch>()); }

std::expected<void, Failure> MailDrop::put(const Deliver& message, Fd memfd) {
  if (message.account == 0 || message.account >= uids_.accounts_count)
    return std::unexpected(Failure{DeliveryFailure::no_mailbox, "no such account id"});
  std::optional<FsIdentity> as_account;
  if (identity_ == Identity::account) as_account.emplace(uids_.accounts + message.account);
  if (message.memfd_size == 0) return put_as_account(message, message.content);
  const Mapping content{memfd, message.memfd_size};
  if (!content)
    return std::unexpected(Failure{DeliveryFailure::system_error, "content without its seals or size"});
  return put_as_account(message, content.bytes());
}

std::expected<void, Failure> MailDrop::put_as_account(const Deliver& message, std::string_view content) {
  const auto directory = directory_of(message.account);
  if (!directory) return std::unexpected(directory.error());
  const Fd& fd = (*directory)->fd;
  const std::string name = name_of(message, content);
  const std::string unfinished = "." + name;
  Fd file = create_file(fd, unfinished);
  if (!file) return std::unexpected(failure_of("create", errno));
  int error = write_both(file, message.top, content);
  const char* call = "write";
  if (error == 0 && ::renameat(fd.get(), unfinished.c_str(), fd.get(), name.c_str()) != 0) {
    error = errno;
    call = "rename";
  }
  if (error != 0) {
    ::unlinkat(fd.get(), unfinished.c_str(), 0);
    return std::unexpected(failure_of(call, error));
  }
  batch_->ids_.push_back(message.id);
  if (++batch_->files_ <= kFewFiles) (*directory)->files.push_back(std::move(file));
  return {};
}

// Opened for each batch anew: an error of a sync is reported to descriptors that were open before the write,
// and an account's directory may be put aside at any time.
std::expected<Batch::Directory*, Failure> MailDrop::directory_of(AccountId account) {
  const auto known = batch_->directories_.find(account);
  if (known != batch_->directories_.end()) return &known->second;
  const std::string path = fmt::format("{}/new", account);
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  Fd fd{static_cast<int>(::syscall(SYS_openat2, accounts_, path.c_str(), &how, sizeof how))};
  if (!fd)
    return std::unexpected(
        Failure{DeliveryFailure::no_mailbox, fmt::format("{}: {}", path, std::strerror(errno))});
  if (!is_owned_by(fd, account))
    return std::unexpected(Failure{DeliveryFailure::no_mailbox, path + ": not the account's own directory"});
  if (batch_->directories_.empty()) batch_->first_ = account;
  return &batch_->directories_.emplace(account, Batch::Directory{std::move(fd), {}}).first->second;
}

bool MailDrop::is_owned_by(const Fd& directory, AccountId account) const {
  if (identity_ == Identity::unchanged) return true;
  struct stat status {};
  return ::fstat(directory.get(), &status) == 0 && status.st_uid == uids_.accounts + account;
}

}  // namespace mailroom::deliverd
