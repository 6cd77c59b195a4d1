// What the queue asks of a file system, and nothing more: so that tests can have a disk that is full, fails,
// writes half or loses its power between any two calls.
//
// Names are relative to the queue directory: "segment-0000002a", "content/1ms4d6k0000", "quarantine/...".
// Everything fails with an errno value; 0 is success.  Calls come from the loop's thread and from workers;
// one File is read while a worker appends to it, but has only one writer.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::queue {

using Errno = int;

class File {
 public:
  virtual ~File() = default;
  // Fewer octets than asked for only at the end of the file.
  virtual std::expected<std::size_t, Errno> read(std::span<char> into, std::uint64_t offset) = 0;
  // All of the parts, one behind the other, or an error (and then any part of them).
  [[nodiscard]] virtual Errno write(std::span<const std::string_view> parts, std::uint64_t offset) = 0;
  // The content and the size are on disk.  After an error nothing is known of what was written since the last
  // success, and calling it again proves nothing (the kernel forgets the pages it could not write).
  [[nodiscard]] virtual Errno sync() = 0;
  [[nodiscard]] virtual Errno truncate(std::uint64_t size) = 0;
  virtual std::uint64_t size() = 0;
};

class Storage {
 public:
  virtual ~Storage() = default;
  // A new file; EEXIST if there is one.
  virtual std::expected<std::unique_ptr<File>, Errno> create(const std::string& name) = 0;
  virtual std::expected<std::unique_ptr<File>, Errno> open(const std::string& name) = 0;
  [[nodiscard]] virtual Errno remove(const std::string& name) = 0;
  [[nodiscard]] virtual Errno rename(const std::string& from, const std::string& to) = 0;
  // The entries of a directory ("." for the queue directory itself) are on disk.
  [[nodiscard]] virtual Errno sync_directory(const std::string& directory) = 0;
  virtual std::expected<std::vector<std::string>, Errno> list(const std::string& directory) = 0;
  // Octets of the file system that may still be used.
  virtual std::uint64_t free_space() = 0;
};

inline constexpr const char* kTopDirectory = ".";
inline constexpr const char* kContentDirectory = "content";
inline constexpr const char* kQuarantineDirectory = "quarantine";

}  // namespace mailroom::queue
