#include "daemons/queued/open_messages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "daemons/channels/deliverd.h"

namespace mailroom::queued {
namespace {

// Ids of messages that were opened or are gone may stand in the order; beyond these they are dropped from it.
constexpr std::size_t kSpareOrder = 1024;

// Seals what was written, so that the receiver may map it.
void seal(const Fd& memfd) {
  if (::fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    throw std::system_error(errno, std::generic_category(), "F_ADD_SEALS");
}

void write_fully(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "write to a memfd");
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

Fd OpenMessage::share_memfd() const { return memfd ? Fd{::fcntl(memfd.get(), F_DUPFD_CLOEXEC, 0)} : Fd{}; }

void OpenMessage::drop_content() {
  if (is_under_way()) return;
  has_content = false;
  content = std::string{};
  memfd.reset();
}

void OpenMessages::keep(QueueId id, const queue::Envelope& envelope, queue::SharedContent content) {
  if (!content || content->length() > memory_) return;
  while (fresh_octets_ + content->length() > memory_ ||
         fresh_order_.size() > 2 * fresh_.size() + kSpareOrder) {
    drop_fresh(fresh_order_.front());
    fresh_order_.pop_front();
  }
  fresh_octets_ += content->length();
  fresh_order_.push_back(id);
  fresh_.emplace(id, Fresh{envelope, std::move(content)});
}

void OpenMessages::drop_fresh(QueueId id) {
  const auto found = fresh_.find(id);
  if (found == fresh_.end()) return;
  fresh_octets_ -= found->second.content->length();
  fresh_.erase(found);
}

OpenMessage* OpenMessages::find(QueueId id) {
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : &found->second;
}

std::expected<OpenMessage*, queue::ReadProblem> OpenMessages::open(QueueId id) {
  const bool was_open = find(id) != nullptr;
  const auto fresh = fresh_.find(id);
  const auto message = find_or_load(id, fresh == fresh_.end() ? nullptr : &fresh->second);
  if (!message || (*message)->has_content) return message;
  const auto loaded = load_content(**message);
  drop_fresh(id);
  if (loaded) return message;
  (*message)->drop_content();
  if (!was_open) close(id);
  return std::unexpected(loaded.error());
}

std::expected<OpenMessage*, queue::ReadProblem> OpenMessages::open_envelope(QueueId id) {
  return find_or_load(id, nullptr);
}

// Takes the envelope of what is fresh.
std::expected<OpenMessage*, queue::ReadProblem> OpenMessages::find_or_load(QueueId id, Fresh* fresh) {
  if (OpenMessage* message = find(id)) return message;
  const queue::Entry* entry = queue_.index().find(id);
  if (entry == nullptr) return std::unexpected(queue::ReadProblem::gone);
  OpenMessage message;
  message.id = id;
  message.arrived = entry->arrived;
  message.size = entry->content_length;
  if (fresh != nullptr) {
    message.envelope = std::move(fresh->envelope);
  } else {
    auto accepted = queue_.read_message(id);
    if (!accepted) return std::unexpected(accepted.error());
    message.envelope = std::move(accepted->envelope);
  }
  return &open_.emplace(id, std::move(message)).first->second;
}

std::expected<void, queue::ReadProblem> OpenMessages::load_content(OpenMessage& message) {
  if (message.size > kInlineContent) {
    message.memfd = Fd{::memfd_create("content", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!message.memfd) return std::unexpected(queue::ReadProblem::unreadable);
  } else {
    message.content.reserve(message.size);
  }
  const auto take = [&](std::string_view bytes) {
    message.memfd ? write_fully(message.memfd, bytes) : void(message.content += bytes);
  };
  if (const auto fresh = fresh_.find(message.id); fresh != fresh_.end()) {
    for (const std::string& piece : fresh->second.content->pieces()) take(piece);
  } else if (const auto read = queue_.read_content(message.id, take); !read) {
    return std::unexpected(read.error());
  }
  if (message.memfd) seal(message.memfd);
  message.has_content = true;
  return {};
}

}  // namespace mailroom::queued
