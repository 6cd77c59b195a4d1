// A file as the bytes of a segment.
#pragma once

#include <string>

#include "spool/queue/segment_scan.h"
#include "spool/queue/storage.h"

namespace mailroom::queue {

class FileSource : public ByteSource {
 public:
  // Reads ahead by a page, so that several records of small messages cost one call, and large content costs
  // none.
  explicit FileSource(File& file) : file_{file}, size_{file.size()} {}

  std::string_view read(std::uint64_t offset, std::size_t length) override;
  std::uint64_t size() const { return size_; }
  // Pages that could not be read and were given out as zeros.
  std::uint64_t unreadable_pages() const { return unreadable_; }

 private:
  void fill(std::uint64_t offset, std::size_t length);

  File& file_;
  std::uint64_t size_;
  std::uint64_t window_offset_ = 0;
  std::string window_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace mailroom::queue
