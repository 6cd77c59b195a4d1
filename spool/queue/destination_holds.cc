#include "spool/queue/destination_holds.h"

#include <cerrno>
#include <utility>

namespace mailroom::queue {
namespace {

constexpr const char* kNewFile = "held-destinations.new";

std::expected<std::string, Errno> content_of(File& file) {
  std::string content(file.size(), '\0');
  const auto size = file.read(content, 0);
  if (!size) return std::unexpected(size.error());
  content.resize(*size);
  return content;
}

Errno write_file(Storage& storage, const std::string& content) {
  if (const Errno error = storage.remove(kNewFile); error != 0 && error != ENOENT) return error;
  const auto file = storage.create(kNewFile);
  if (!file) return file.error();
  const std::string_view whole = content;
  if (const Errno error = (*file)->write({&whole, 1}, 0); error != 0) return error;
  return (*file)->sync();
}

}  // namespace

std::expected<DestinationHolds, Errno> DestinationHolds::read(Storage& storage) {
  DestinationHolds holds{storage};
  const auto file = storage.open(kHoldsFile);
  if (!file && file.error() == ENOENT) return holds;
  if (!file) return std::unexpected(file.error());
  const auto content = content_of(**file);
  if (!content) return std::unexpected(content.error());
  for (std::string_view rest = *content; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) holds.keys_.emplace(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return holds;
}

Errno DestinationHolds::hold(const std::string& key) {
  if (key.empty() || key.find('\n') != key.npos) return EINVAL;
  std::set<std::string> keys = keys_;
  keys.insert(key);
  return replace(std::move(keys));
}

Errno DestinationHolds::release(const std::string& key) {
  std::set<std::string> keys = keys_;
  keys.erase(key);
  return replace(std::move(keys));
}

Errno DestinationHolds::replace(std::set<std::string> keys) {
  if (keys == keys_ && !unsure_) return 0;
  std::string content;
  for (const std::string& key : keys) content += key + '\n';
  Errno error = write_file(*storage_, content);
  if (error == 0) error = storage_->rename(kNewFile, kHoldsFile);
  if (error == 0) error = storage_->sync_directory(kTopDirectory);
  if (error == 0) keys_ = std::move(keys);
  unsure_ = error != 0;
  return error;
}

}  // namespace mailroom::queue
