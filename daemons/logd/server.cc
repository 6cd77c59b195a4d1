#include "daemons/logd/server.h"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>

#include "daemons/log.h"
#include "daemons/logd/event_counts.h"
#include "daemons/logd/lines.h"
#include "libcommon/event/loop.h"

namespace mailroom::logd {

namespace {

constexpr int kReadSize = 64 * 1024;  // of one pipe in one turn: the kernel's usual size of a pipe
// Lines are left to gather for so long: a busy system writes ten for a message, and each would wake this
// process.  The pipes hold what comes meanwhile.
constexpr std::chrono::milliseconds kGather{1};

std::string now() {
  timeval time{};
  ::gettimeofday(&time, nullptr);
  return log::timestamp(std::int64_t{time.tv_sec} * 1'000'000 + time.tv_usec);
}

// Blocks when whoever reads the log does not: the pipes then fill, and their writers drop and count.
void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;  // nobody reads the log any more; there is nobody to tell
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

// At most one pause for all the pipes that became readable together.
class Server::Pace {
 public:
  void wait() {
    if (std::chrono::steady_clock::now() < last_ + kGather) return;
    std::this_thread::sleep_for(kGather);
    last_ = std::chrono::steady_clock::now();
  }

 private:
  std::chrono::steady_clock::time_point last_{};
};

class Server::Pipe {
 public:
  Pipe(event::Loop& loop, Pace& pace, std::string process, Fd fd)
      : pace_{pace}, process_{std::move(process)}, fd_{std::move(fd)}, readable_{loop, fd_.get(),
                                                                                 [this] { on_readable(); }} {
    ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
    ::fcntl(fd_.get(), F_SETPIPE_SZ, kReadSize);  // one that was taken over may have left less room
  }

  void drain() {
    while (read_once() > 0) {
    }
    const auto rest = assembler_.take_rest();
    if (!rest.empty()) write_all(counted(rest, now()));
  }

  EventsCounted counts() const {
    return {.process = process_, .events = counts_.all(), .dropped = counts_.dropped()};
  }

 private:
  void on_readable() {
    pace_.wait();
    if (read_once() == 0) readable_.pause();  // every writer is gone
  }

  // Octets read; 0 at the end of the pipe, negative when there is nothing now.
  ssize_t read_once() {
    char buffer[kReadSize];
    const ssize_t got = ::read(fd_.get(), buffer, sizeof buffer);
    if (got <= 0) return got;
    std::string lines;
    const std::string time = now();
    assembler_.feed({buffer, static_cast<std::size_t>(got)},
                    [&](std::string_view line) { lines += counted(line, time); });
    write_all(lines);
    return got;
  }

  std::string counted(std::string_view line, std::string_view time) {
    LogLine rendered = render(process_, line, time);
    counts_.count(rendered);
    return std::move(rendered.text);
  }

  Pace& pace_;
  std::string process_;
  Fd fd_;
  LineAssembler assembler_;
  EventCounts counts_;
  event::ReadWatch readable_;
};

Server::Server(const Host& host)
    : host_{host}, pace_{std::make_unique<Pace>()}, tools_{host.loop, host.take_descriptor("tools"),
                                                           [this](ToolId tool, ToolToLogd&& request) {
                                                             on_request(tool, std::get<CountEvents>(request));
                                                           }} {
  // Its own lines need no logd to complete them.
  log::set_up({.fd = STDERR_FILENO,
               .level = host.config.log.level,
               .name = std::string{process_row(host.launch.role).name}});
  static constexpr std::string_view kPrefix = "log ";
  for (const auto& passed : host.launch.descriptors)
    if (passed.name.starts_with(kPrefix))
      add(passed.name.substr(kPrefix.size()), host.take_descriptor(passed.name));
}

Server::~Server() = default;

void Server::attach(const std::string& kind, const std::string&, LeasedFd) {
  log::fatal("a channel that logd has no use for: " + kind);
}

void Server::add(const std::string& process, Fd fd) {
  pipes_.push_back(std::make_unique<Pipe>(host_.loop, *pace_, process, std::move(fd)));
}

void Server::on_request(ToolId tool, const CountEvents& request) {
  if (request.process >= pipes_.size()) return tools_.answer(tool, ToolRefused{"there is no such process"});
  EventsCounted counted = pipes_[request.process]->counts();
  counted.last = request.process + 1 == pipes_.size();
  tools_.answer(tool, std::move(counted));
}

void Server::drain() {
  for (const auto& pipe : pipes_) pipe->drain();
  host_.loop.stop();
}

}  // namespace mailroom::logd
