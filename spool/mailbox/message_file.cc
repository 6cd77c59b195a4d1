#include "spool/mailbox/message_file.h"

#include <sys/mman.h>

#include <utility>

#include "spool/mailbox/checksum.h"
#include "spool/mailbox/files.h"

namespace mailroom::mailbox {
namespace {

// Up to here reading costs less than mapping and its page faults.
constexpr std::uint64_t kMapFrom = 256 * 1024;

std::unexpected<Failure> damaged(const std::string& name, const char* how) {
  return std::unexpected(Failure{Failure::Code::damaged, name + ": " + how});
}

}  // namespace

Result<MessageFile> MessageFile::open(int directory, const FileName& name) {
  const std::string path = format_file_name(name);
  const auto file = open_regular(directory, path.c_str());
  if (!file) return damaged(path, "missing, or not a file of this account");
  if (static_cast<std::uint64_t>(file->status.st_size) != name.length) return damaged(path, "wrong length");
  MessageFile message;
  message.checksum_ = name.checksum;
  message.length_ = name.length;
  if (name.length < kMapFrom) {
    auto octets = read_all(*file, kMapFrom);
    if (!octets) return damaged(path, "cannot be read");
    message.read_ = std::move(*octets);
  } else {
    void* at = mmap(nullptr, name.length, PROT_READ, MAP_PRIVATE, file->fd.get(), 0);
    if (at == MAP_FAILED) return damaged(path, "cannot be mapped");
    message.mapped_ = static_cast<const char*>(at);
  }
  return message;
}

MessageFile::MessageFile(MessageFile&& other) noexcept
    : read_{std::move(other.read_)}, mapped_{std::exchange(other.mapped_, nullptr)}, length_{other.length_},
      checksum_{other.checksum_} {}

MessageFile& MessageFile::operator=(MessageFile&& other) noexcept {
  std::swap(read_, other.read_);
  std::swap(mapped_, other.mapped_);
  std::swap(length_, other.length_);
  std::swap(checksum_, other.checksum_);
  return *this;
}

MessageFile::~MessageFile() {
  if (mapped_ != nullptr) munmap(const_cast<char*>(mapped_), length_);
}

bool MessageFile::checksum_matches() const { return checksum(bytes()) == checksum_; }

}  // namespace mailroom::mailbox
