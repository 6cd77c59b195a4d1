// A disk in memory that can be full, fail, and lose its power between any two calls.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>

#include "spool/queue/storage.h"
#include "spool/queue/worker.h"

namespace mailroom::queue::test {

inline constexpr std::size_t kSector = 512;

// A file's bytes as the kernel shows them, and what the disk is sure to have of them.
struct Inode {
  std::string bytes;
  std::string durable;
};

class MemoryStorage : public Storage {
 public:
  std::expected<std::unique_ptr<File>, Errno> create(const std::string& name) override;
  std::expected<std::unique_ptr<File>, Errno> open(const std::string& name) override;
  Errno remove(const std::string& name) override;
  Errno rename(const std::string& from, const std::string& to) override;
  Errno sync_directory(const std::string& directory) override;
  std::expected<std::vector<std::string>, Errno> list(const std::string& directory) override;
  std::uint64_t free_space() override;

  // The disk as a power cut now might leave it: of what was not synced, each sector and each directory entry
  // may or may not be there.
  MemoryStorage after_power_cut(std::mt19937& random) const;
  // What a killed process leaves: all that it wrote.
  MemoryStorage after_kill() const;

  // Called before each changing call with its name ("write", "sync", ...); an error that it returns is the
  // outcome. A write that fails so has written its first half.
  std::function<Errno(const std::string& call, const std::string& file)> fault = [](auto&, auto&) {
    return 0;
  };
  // Calls ("sync", "sync_directory") that say they worked and do nothing: the mistake that a test must
  // notice.
  std::set<std::string> left_out;
  std::uint64_t capacity = UINT64_MAX;
  std::string& bytes_of(const std::string& name) { return entries_.at(name)->bytes; }
  bool exists(const std::string& name) const { return entries_.contains(name); }
  std::uint64_t used() const;

 private:
  friend class MemoryFile;
  using Entries = std::map<std::string, std::shared_ptr<Inode>>;
  Entries entries_;
  Entries durable_entries_;
};

// Runs jobs when the test says so.
class StepWorker : public Worker {
 public:
  void run(std::function<void()> work, std::function<void()> then) override {
    jobs_.push_back({std::move(work), std::move(then)});
  }
  bool waiting() const { return !jobs_.empty(); }
  // One job; false if there was none.
  bool step();
  void run_all() {
    while (step()) {
    }
  }

 private:
  struct Job {
    std::function<void()> work, then;
  };
  std::deque<Job> jobs_;
};

}  // namespace mailroom::queue::test
