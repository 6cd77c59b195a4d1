#include "libcommon/sys/line_reader.h"

#include <cstring>

namespace mailroom {

// Moves what is buffered to the start of a buffer of that size.
void LineReader::resize(std::size_t size) {
  auto larger = std::make_unique_for_overwrite<char[]>(size);
  std::memcpy(larger.get(), buffer_.get() + begin_, end_ - begin_);
  buffer_ = std::move(larger);
  size_ = size;
  end_ -= begin_;
  begin_ = 0;
}

bool LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == size_) resize(size_ * 2);
  const std::size_t got = stream_->read({buffer_.get() + end_, size_ - end_});
  end_ += got;
  return got > 0;
}

std::expected<std::string_view, LineError> LineReader::read_line(std::size_t limit) {
  std::size_t searched = 0;
  bool discarding = false;
  for (;;) {
    const char* from = buffer_.get() + begin_ + searched;
    const auto* lf = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_ - searched));
    if (lf != nullptr) {
      const std::string_view line{buffer_.get() + begin_,
                                  static_cast<std::size_t>(lf + 1 - buffer_.get() - begin_)};
      const bool too_long = line.size() > limit;
      if (too_long && !discarding) keep_start();
      begin_ += line.size();
      if (discarding || too_long) return std::unexpected(LineError::too_long);
      return line;
    }
    searched = end_ - begin_;
    if (searched >= limit) {
      if (!discarding) keep_start();
      discarding = true;
      begin_ = end_;
      searched = 0;
    }
    if (!fill()) return std::unexpected(LineError::closed);
  }
}

std::string_view LineReader::read_some(std::size_t limit) {
  if (begin_ == end_ && !fill()) return {};
  const std::string_view some{buffer_.get() + begin_, std::min(limit, end_ - begin_)};
  begin_ += some.size();
  return some;
}

void LineReader::preload(std::string_view bytes) {
  const std::size_t rest = end_ - begin_;
  auto joined = std::make_unique_for_overwrite<char[]>(std::max(kBufferSize, bytes.size() + rest));
  std::ranges::copy(bytes, joined.get());
  std::memcpy(joined.get() + bytes.size(), buffer_.get() + begin_, rest);
  size_ = std::max(kBufferSize, bytes.size() + rest);
  buffer_ = std::move(joined);
  begin_ = 0;
  end_ = bytes.size() + rest;
}

}  // namespace mailroom
