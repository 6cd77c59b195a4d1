#include "tests/unit/queue/memory_storage.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mailroom::queue::test {

class MemoryFile : public File {
 public:
  MemoryFile(MemoryStorage& storage, std::string name, std::shared_ptr<Inode> inode)
      : storage_{storage}, name_{std::move(name)}, inode_{std::move(inode)} {}

  std::expected<std::size_t, Errno> read(std::span<char> into, std::uint64_t offset) override {
    if (offset >= inode_->bytes.size()) return 0;
    const std::size_t n = std::min<std::size_t>(into.size(), inode_->bytes.size() - offset);
    std::memcpy(into.data(), inode_->bytes.data() + offset, n);
    return n;
  }

  Errno write(std::span<const std::string_view> parts, std::uint64_t offset) override {
    std::string all;
    for (const auto part : parts) all += part;
    Errno error = storage_.fault("write", name_);
    const std::uint64_t room = storage_.capacity - std::min(storage_.capacity, storage_.used());
    const std::uint64_t grows =
        offset + all.size() - std::min<std::uint64_t>(offset + all.size(), inode_->bytes.size());
    if (error == 0 && grows > room) error = ENOSPC;
    if (error != 0) all.resize(std::min<std::uint64_t>(all.size() / 2, room));
    if (inode_->bytes.size() < offset + all.size()) inode_->bytes.resize(offset + all.size());
    inode_->bytes.replace(offset, all.size(), all);
    return error;
  }

  Errno sync() override {
    if (const Errno error = storage_.fault("sync", name_); error != 0) return error;
    if (storage_.left_out.contains("sync")) return 0;
    inode_->durable = inode_->bytes;
    return 0;
  }

  Errno truncate(std::uint64_t size) override {
    if (const Errno error = storage_.fault("truncate", name_); error != 0) return error;
    inode_->bytes.resize(size);
    return 0;
  }

  std::uint64_t size() override { return inode_->bytes.size(); }

 private:
  MemoryStorage& storage_;
  std::string name_;
  std::shared_ptr<Inode> inode_;
};

namespace {

std::string directory_of(const std::string& name) {
  const std::size_t slash = name.find('/');
  return slash == std::string::npos ? kTopDirectory : name.substr(0, slash);
}

// Sector by sector the old or the new.
std::string torn(const Inode& inode, std::mt19937& random) {
  std::string out = inode.durable;
  for (std::size_t at = 0; at < inode.bytes.size(); at += kSector) {
    if (random() % 2 == 0) continue;
    const std::string_view sector = std::string_view{inode.bytes}.substr(at, kSector);
    if (out.size() < at + sector.size()) out.resize(at + sector.size());
    out.replace(at, sector.size(), sector);
  }
  return out;
}

}  // namespace

std::expected<std::unique_ptr<File>, Errno> MemoryStorage::create(const std::string& name) {
  if (const Errno error = fault("create", name); error != 0) return std::unexpected(error);
  if (entries_.contains(name)) return std::unexpected(EEXIST);
  return std::make_unique<MemoryFile>(*this, name, entries_[name] = std::make_shared<Inode>());
}

std::expected<std::unique_ptr<File>, Errno> MemoryStorage::open(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::unexpected(ENOENT);
  return std::make_unique<MemoryFile>(*this, name, found->second);
}

Errno MemoryStorage::remove(const std::string& name) {
  if (const Errno error = fault("remove", name); error != 0) return error;
  return entries_.erase(name) == 1 ? 0 : ENOENT;
}

Errno MemoryStorage::rename(const std::string& from, const std::string& to) {
  if (const Errno error = fault("rename", from); error != 0) return error;
  const auto found = entries_.find(from);
  if (found == entries_.end()) return ENOENT;
  entries_[to] = found->second;
  entries_.erase(from);
  return 0;
}

Errno MemoryStorage::sync_directory(const std::string& directory) {
  if (const Errno error = fault("sync_directory", directory); error != 0) return error;
  if (left_out.contains("sync_directory")) return 0;
  std::erase_if(durable_entries_, [&](const auto& entry) { return directory_of(entry.first) == directory; });
  for (const auto& [name, inode] : entries_)
    if (directory_of(name) == directory) durable_entries_[name] = inode;
  return 0;
}

std::expected<std::vector<std::string>, Errno> MemoryStorage::list(const std::string& directory) {
  std::vector<std::string> out;
  for (const auto& [name, inode] : entries_)
    if (directory_of(name) == directory)
      out.push_back(name.substr(directory == kTopDirectory ? 0 : directory.size() + 1));
  return out;
}

std::uint64_t MemoryStorage::used() const {
  std::uint64_t sum = 0;
  for (const auto& [name, inode] : entries_) sum += inode->bytes.size();
  return sum;
}

std::uint64_t MemoryStorage::free_space() { return capacity - std::min(capacity, used()); }

MemoryStorage MemoryStorage::after_power_cut(std::mt19937& random) const {
  Entries all = durable_entries_;
  all.insert(entries_.begin(), entries_.end());
  MemoryStorage out;
  std::map<const Inode*, std::shared_ptr<Inode>> copies;
  for (const auto& [name, inode] : all) {
    const bool now = entries_.contains(name), before = durable_entries_.contains(name);
    if (!(now && before) && random() % 2 == 0) continue;
    auto& copy = copies[inode.get()];
    if (!copy) {
      const std::string bytes = torn(*inode, random);
      copy = std::make_shared<Inode>(Inode{bytes, bytes});
    }
    out.entries_[name] = copy;
  }
  out.durable_entries_ = out.entries_;
  return out;
}

MemoryStorage MemoryStorage::after_kill() const {
  MemoryStorage out;
  std::map<const Inode*, std::shared_ptr<Inode>> copies;
  const auto copy = [&](const Entries& from) {
    Entries to;
    for (const auto& [name, inode] : from) {
      auto& made = copies[inode.get()];
      if (!made) made = std::make_shared<Inode>(*inode);
      to[name] = made;
    }
    return to;
  };
  out.entries_ = copy(entries_);
  out.durable_entries_ = copy(durable_entries_);
  return out;
}

bool StepWorker::step() {
  if (jobs_.empty()) return false;
  const Job job = std::move(jobs_.front());
  jobs_.pop_front();
  job.work();
  job.then();
  return true;
}

}  // namespace mailroom::queue::test
