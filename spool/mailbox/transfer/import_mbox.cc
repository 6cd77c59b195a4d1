#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "spool/mailbox/state.h"
#include "spool/mailbox/transfer/importer.h"
#include "spool/mailbox/transfer/mbox_format.h"

namespace mailroom::mailbox {
namespace {

// Lines of a descriptor; a line longer than a message may be comes in pieces.
class Lines {
 public:
  explicit Lines(int fd) : fd_{fd} {}

  std::optional<std::string_view> next() {
    while (true) {
      const auto end = buffer_.find('\n', searched_);
      if (end != std::string::npos) return take(end, 1);
      searched_ = buffer_.size();
      if (ended_ || buffer_.size() - begin_ > kMaxMessageLength) return rest();
      fill();
    }
  }

 private:
  static constexpr std::size_t kBlock = 1 << 20;

  std::string_view take(std::size_t end, std::size_t skip) {
    const std::string_view line{buffer_.data() + begin_, end - begin_};
    begin_ = searched_ = end + skip;
    return line;
  }

  std::optional<std::string_view> rest() {
    if (begin_ == buffer_.size()) return std::nullopt;
    return take(buffer_.size(), 0);
  }

  void fill() {
    buffer_.erase(0, begin_);
    searched_ -= begin_;
    begin_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + kBlock);
    const ssize_t n = read(fd_, buffer_.data() + had, kBlock);
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno != EINTR) throw SystemError(errno, "read");
    ended_ = n == 0;
  }

  int fd_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;
  bool ended_ = false;
};

class MboxImport {
 public:
  MboxImport(Mailbox& mailbox, const ImportOptions& options, Imported& result)
      : import_{mailbox, options.folder, result} {}

  void run(int fd) {
    Lines lines{fd};
    while (const auto line = lines.next()) {
      if (auto message = parser_.add_line(*line)) import(std::move(*message));
      if (parser_.is_no_mbox())
        refuse(Failure::Code::failed, "not an mbox: it does not begin with a From line");
      if (parser_.pending() > kMaxMessageLength) refuse(Failure::Code::failed, "a message is too large");
    }
    if (auto message = parser_.finish()) import(std::move(*message));
    import_.finish();
  }

 private:
  void import(MboxMessage message) {
    if (std::exchange(first_, false)) import_.adopt_numbers(message.uid_validity, message.last_uid + 1);
    if (message.is_folder_data) return;
    import_.add({.content = std::move(message.content),
                 .date = message.date,
                 .flags = message.flags,
                 .keywords = std::move(message.keywords),
                 .uid = message.uid,
                 .uidl = std::move(message.uidl)});
  }

  FolderImport import_;
  MboxParser parser_;
  bool first_ = true;
};

}  // namespace

Result<Imported> import_mbox(Mailbox& mailbox, int fd, const ImportOptions& options) {
  return guarded([&] {
    Imported result;
    MboxImport{mailbox, options, result}.run(fd);
    return result;
  });
}

}  // namespace mailroom::mailbox
