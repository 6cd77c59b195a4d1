// The content of a message in memory, in the pieces in which it arrived, and the account of all such memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mailroom::queue {

// Bounds the content that is held in memory for all messages together.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t limit) : limit_{limit} {}

  // False when that much more would pass the limit.
  bool take(std::uint64_t octets) {
    if (octets > limit_ - used_) return false;
    used_ += octets;
    return true;
  }
  void give_back(std::uint64_t octets) { used_ -= octets; }
  std::uint64_t used() const { return used_; }

 private:
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
};

class Content {
 public:
  explicit Content(std::shared_ptr<MemoryBudget> budget) : budget_{std::move(budget)} {}
  ~Content() { clear(); }
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;

  // False, and nothing added, when memory is short.
  bool add(std::string&& bytes) {
    if (!budget_->take(bytes.size())) return false;
    length_ += bytes.size();
    pieces_.push_back(std::move(bytes));
    return true;
  }
  void clear() {
    budget_->give_back(std::exchange(length_, 0));
    pieces_.clear();
  }

  const std::vector<std::string>& pieces() const { return pieces_; }
  std::uint64_t length() const { return length_; }

 private:
  std::shared_ptr<MemoryBudget> budget_;
  std::vector<std::string> pieces_;
  std::uint64_t length_ = 0;
};

using SharedContent = std::shared_ptr<const Content>;

}  // namespace mailroom::queue
