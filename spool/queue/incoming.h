// The content of a message while it is being received: in memory, or, when it is long, in a file of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "libcommon/tls/digest.h"
#include "spool/queue/content.h"
#include "spool/queue/queue_id.h"
#include "spool/queue/storage.h"

namespace mailroom::queue {

std::string content_file_name(Id id);

class Incoming {
 public:
  enum class Problem : std::uint8_t { none, no_memory, no_space, failed };

  // Content longer than `memory_size` goes to a file.
  Incoming(Storage& storage, std::shared_ptr<MemoryBudget> budget, Id id, std::uint64_t memory_size)
      : storage_{storage}, id_{id}, memory_size_{memory_size}, content_{std::make_shared<Content>(
                                                                   std::move(budget))} {}
  // Removes the file, unless keep_file() was called.
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  // After a problem the message is lost: the object is only good to be destroyed.
  Problem add(std::string&& bytes);

  Id id() const { return id_; }
  std::uint64_t length() const { return length_; }
  Sha256Digest finish_hash() { return hash_.finish(); }
  // Null when the content is in memory.
  const std::shared_ptr<File>& file() const { return file_; }
  SharedContent content() const { return content_; }
  void keep_file() { keep_file_ = true; }

 private:
  Problem move_to_file();
  Problem write(std::span<const std::string_view> parts);

  Storage& storage_;
  Id id_;
  std::uint64_t memory_size_;
  std::shared_ptr<Content> content_;
  std::shared_ptr<File> file_;
  std::uint64_t written_ = 0;
  std::uint64_t length_ = 0;
  bool keep_file_ = false;
  Sha256 hash_;
};

}  // namespace mailroom::queue
