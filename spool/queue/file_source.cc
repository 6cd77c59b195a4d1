#include "spool/queue/file_source.h"

#include <algorithm>

namespace mailroom::queue {
namespace {
constexpr std::size_t kPage = 4096;
}

std::string_view FileSource::read(std::uint64_t offset, std::size_t length) {
  if (offset >= size_) return {};
  length = static_cast<std::size_t>(std::min<std::uint64_t>(length, size_ - offset));
  if (offset < window_offset_ || offset + length > window_offset_ + window_.size()) fill(offset, length);
  return std::string_view{window_}.substr(static_cast<std::size_t>(offset - window_offset_), length);
}

void FileSource::fill(std::uint64_t offset, std::size_t length) {
  window_offset_ = offset;
  window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(std::max(length, kPage), size_ - offset)));
  if (const auto got = file_.read(window_, offset); got && *got == window_.size()) return;
  // Something of it is unreadable: find out page by page what is.
  std::ranges::fill(window_, '\0');
  for (std::size_t at = 0; at < window_.size();) {
    const std::size_t in_page = kPage - static_cast<std::size_t>((offset + at) % kPage);
    const std::span<char> page{window_.data() + at, std::min(in_page, window_.size() - at)};
    const auto got = file_.read(page, offset + at);
    if (!got || *got != page.size()) {
      std::ranges::fill(page, '\0');
      ++unreadable_;
    }
    at += page.size();
  }
}

}  // namespace mailroom::queue
