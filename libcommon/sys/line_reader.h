// Buffered input over a Stream: lines for commands, counted bytes for literals and chunks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "libcommon/sys/stream.h"

namespace mailroom {

enum class LineError {
  closed,    // orderly end of stream before a complete line
  too_long,  // no LF within the limit; the rest of the line has been discarded
};

class LineReader {
 public:
  explicit LineReader(Stream& stream) : stream_{&stream} {}

  // The next line *with* its line end (whatever precedes and includes the LF), at most `limit` octets with
  // it.  The view is valid until the next call.  Throws StreamError.
  std::expected<std::string_view, LineError> read_line(std::size_t limit);

  // The first octets of the line that was too long last: enough for IMAP to find its tag.
  std::string_view too_long_start() const { return too_long_start_; }

  // Between 1 and `limit` buffered or freshly read octets; empty at end of stream.  Valid until the next
  // call.
  std::string_view read_some(std::size_t limit);
  // Puts back the last octets of what read_some() has just returned.
  void unread(std::size_t octets) { begin_ -= octets; }

  // Whether input is already buffered: a pipelining client has sent more, so replies may be held back.
  bool has_buffered() const { return begin_ < end_; }

  // What has been read ahead and not consumed.  STARTTLS refuses to go on when this is not empty (SECURITY.md
  // V2).
  std::string_view buffered() const { return {buffer_.get() + begin_, end_ - begin_}; }

  // Puts back bytes as if they had just arrived (bytes that a process before this one had read).
  void preload(std::string_view bytes);

  // Continues on another stream (after STARTTLS).  Precondition: !has_buffered().
  void switch_to(Stream& stream) { stream_ = &stream; }

 private:
  static constexpr std::size_t kBufferSize = 16384;
  static constexpr std::size_t kKeptOfTooLong = 128;
  void resize(std::size_t size);
  bool fill();
  void keep_start() {
    too_long_start_.assign(buffer_.get() + begin_, std::min(kKeptOfTooLong, end_ - begin_));
  }

  Stream* stream_;
  std::string too_long_start_;
  std::size_t size_ = kBufferSize;
  std::unique_ptr<char[]> buffer_ =
      std::make_unique_for_overwrite<char[]>(size_);  // pages that are not used cost nothing
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace mailroom
