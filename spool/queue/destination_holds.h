// The destinations that an operator holds, over restarts: one small file, replaced as a whole (format.md).
#pragma once

#include <expected>
#include <set>
#include <string>

#include "spool/queue/storage.h"

namespace mailroom::queue {

inline constexpr const char* kHoldsFile = "held-destinations";

class DestinationHolds {
 public:
  // What is on disk; nothing where there is no file.
  static std::expected<DestinationHolds, Errno> read(Storage& storage);

  const std::set<std::string>& keys() const { return keys_; }

  // Durable when it returns 0; after an error keys() is what it was, and a restart may find either.  A key
  // with a line end is EINVAL.
  [[nodiscard]] Errno hold(const std::string& key);
  [[nodiscard]] Errno release(const std::string& key);

 private:
  explicit DestinationHolds(Storage& storage) : storage_{&storage} {}
  Errno replace(std::set<std::string> keys);

  Storage* storage_;
  std::set<std::string> keys_;
  bool unsure_ = false;  // an error has left the file with these keys or with others
};

}  // namespace mailroom::queue
