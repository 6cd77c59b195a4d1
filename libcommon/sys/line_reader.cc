#include "libcommon/sys/line_reader.h"

#include <cstring>

namespace mailroom {

bool LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
  const std::size_t got = stream_->read({buffer_.data() + end_, buffer_.size() - end_});
  end_ += got;
  return got > 0;
}

std::expected<std::string_view, LineError> LineReader::read_line(std::size_t limit) {
  std::size_t searched = 0;
  bool discarding = false;
  for (;;) {
    const char* from = buffer_.data() + begin_ + searched;
    const auto* lf = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_ - searched));
    if (lf != nullptr) {
      const std::string_view line{buffer_.data() + begin_, static_cast<std::size_t>(lf + 1 - buffer_.data() - begin_)};
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
  const std::string_view some{buffer_.data() + begin_, std::min(limit, end_ - begin_)};
  begin_ += some.size();
  return some;
}

void LineReader::preload(std::string_view bytes) {
  std::string joined{bytes};
  joined.append(buffered());
  begin_ = 0;
  end_ = joined.size();
  if (joined.size() < kBufferSize) joined.resize(kBufferSize);
  buffer_ = std::move(joined);
}

}  // namespace mailroom
