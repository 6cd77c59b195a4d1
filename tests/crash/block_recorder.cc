// A disk that remembers everything: one file, to be used through a loop device, and a log of all writes and
// flushes that reached it, in their order, with marks in between.  replay.py makes from the log every state
// that a power cut could have left behind.
//
//   block_recorder IMAGE LOG MOUNTPOINT
//
// IMAGE is the disk's first content (it is not changed).  Below MOUNTPOINT are `disk`, and `mark`, which
// takes lines: a test appends one when it has been told that something is durable.
//
// LOG is a sequence of u32 kind, u32 length, u64 offset, and as many octets as length says.
#define FUSE_USE_VERSION 31
#include <fuse.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string_view>
#include <vector>

namespace {

enum class Kind : std::uint32_t { write = 1, flush = 2, mark = 3 };

constexpr std::string_view kDisk = "/disk";
constexpr std::string_view kMark = "/mark";

class Recorder {
 public:
  Recorder(const char* image, const char* log) : log_{log, std::ios::binary} {
    std::ifstream in{image, std::ios::binary | std::ios::ate};
    if (!in) return;
    bytes_.resize(static_cast<std::size_t>(in.tellg()));
    in.seekg(0);
    in.read(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

  bool good() const { return log_.good() && !bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }

  int read(char* into, std::size_t length, std::size_t offset) const {
    if (offset >= size()) return 0;
    length = std::min(length, size() - offset);
    std::memcpy(into, bytes_.data() + offset, length);
    return static_cast<int>(length);
  }

  int write(const char* from, std::size_t length, std::size_t offset) {
    if (offset > size() || length > size() - offset) return -ENOSPC;
    std::memcpy(bytes_.data() + offset, from, length);
    note(Kind::write, {from, length}, offset);
    return static_cast<int>(length);
  }

  void flush() { note(Kind::flush, {}, 0); }
  void mark(std::string_view line) { note(Kind::mark, line, 0); }
  void close() { log_.close(); }

 private:
  void note(Kind kind, std::string_view bytes, std::uint64_t offset) {
    const std::uint32_t head[2] = {static_cast<std::uint32_t>(kind),
                                   static_cast<std::uint32_t>(bytes.size())};
    log_.write(reinterpret_cast<const char*>(head), sizeof head);
    log_.write(reinterpret_cast<const char*>(&offset), sizeof offset);
    log_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  std::vector<char> bytes_;
  std::ofstream log_;
};

Recorder& recorder() { return *static_cast<Recorder*>(fuse_get_context()->private_data); }

int get_attributes(const char* path, struct stat* status, fuse_file_info*) {
  *status = {};
  status->st_nlink = 1;
  status->st_mode = S_IFREG | 0600;
  if (path == kDisk) {
    status->st_size = static_cast<off_t>(recorder().size());
  } else if (path == std::string_view{"/"}) {
    status->st_mode = S_IFDIR | 0755;
  } else if (path == kMark) {
    status->st_mode = S_IFREG | 0666;
  } else {
    return -ENOENT;
  }
  return 0;
}

int open_file(const char* path, fuse_file_info* info) {
  info->direct_io = path == kMark;
  return 0;
}

int read_file(const char* path, char* into, std::size_t length, off_t offset, fuse_file_info*) {
  return path == kDisk ? recorder().read(into, length, static_cast<std::size_t>(offset)) : 0;
}

int write_file(const char* path, const char* from, std::size_t length, off_t offset, fuse_file_info*) {
  if (path == kDisk) return recorder().write(from, length, static_cast<std::size_t>(offset));
  recorder().mark({from, length});
  return static_cast<int>(length);
}

int sync_file(const char* path, int, fuse_file_info*) {
  if (path == kDisk) recorder().flush();
  return 0;
}

int cut_file(const char*, off_t, fuse_file_info*) { return 0; }
int allocate_file(const char*, int, off_t, off_t, fuse_file_info*) { return -EOPNOTSUPP; }
void* begin(fuse_conn_info*, fuse_config*) { return fuse_get_context()->private_data; }
void end(void* all) { static_cast<Recorder*>(all)->close(); }

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "usage: block_recorder IMAGE LOG MOUNTPOINT\n");
    return 2;
  }
  const auto all = std::make_unique<Recorder>(arguments[1], arguments[2]);
  if (!all->good()) {
    std::fprintf(stderr, "block_recorder: cannot read %s or write %s\n", arguments[1], arguments[2]);
    return 1;
  }
  fuse_operations operations{};
  operations.getattr = get_attributes;
  operations.open = open_file;
  operations.read = read_file;
  operations.write = write_file;
  operations.fsync = sync_file;
  operations.truncate = cut_file;
  operations.fallocate = allocate_file;
  operations.init = begin;
  operations.destroy = end;
  char foreground[] = "-f", single[] = "-s";  // one at a time: the log's order is the order of the disk
  char* options[] = {arguments[0], foreground, single, arguments[3], nullptr};
  return fuse_main(4, options, &operations, all.get());
}
