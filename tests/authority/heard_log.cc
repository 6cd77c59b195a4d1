#include "tests/authority/heard_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace mailroom::test {
namespace {

constexpr std::size_t kKeptWords = 2000;  // octets
constexpr int kRoom = 1 << 20;            // octets that may wait in the pipe

}  // namespace

HeardLog::HeardLog() {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  reading_ = Fd{pipe[0]};
  writing_ = Fd{pipe[1]};
  ::fcntl(reading_.get(), F_SETPIPE_SZ, kRoom);
}

void HeardLog::hear() {
  char octets[65536];
  for (ssize_t got; (got = ::read(reading_.get(), octets, sizeof octets)) > 0;) {
    unfinished_.append(octets, static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end; (end = unfinished_.find('\n', begin)) != std::string::npos; begin = end + 1)
      take(unfinished_.substr(begin, end + 1 - begin));
    unfinished_.erase(0, begin);
  }
}

std::vector<std::string> HeardLog::take_lines() {
  keeps_ = true;
  return std::exchange(kept_, {});
}

std::size_t HeardLog::lines(std::string_view event) const {
  const auto found = lines_.find(event);
  return found == lines_.end() ? 0 : found->second;
}

// "... NAME[PID] EVENT KEY=VALUE ..."
void HeardLog::take(const std::string& line) {
  static constexpr std::string_view kBeforeEvent = "] ";
  if (const std::size_t at = line.find(kBeforeEvent); at != std::string::npos) {
    const std::size_t begin = at + kBeforeEvent.size();
    ++lines_[line.substr(begin, line.find_first_of(" \n", begin) - begin)];
  }
  if (keeps_) kept_.push_back(line.substr(0, line.size() - 1));
  last_words_ += line;
  if (last_words_.size() > kKeptWords) last_words_.erase(0, last_words_.size() - kKeptWords);
}

}  // namespace mailroom::test
