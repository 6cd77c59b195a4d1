// Fills a queue with messages for other hosts whose next attempt is hours away: fill_queue DIRECTORY
// MESSAGES.
#include <fcntl.h>
#include <poll.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include <fmt/format.h>

#include "spool/queue/directory_storage.h"
#include "spool/queue/queue.h"
#include "spool/queue/worker.h"

namespace {

using namespace mailroom;
using namespace mailroom::queue;

constexpr std::size_t kContent = 400;       // octets
constexpr std::size_t kOfDomain = 100;      // messages, of each domain
constexpr std::size_t kUnanswered = 5'000;  // messages that wait for the disk at the same time
constexpr std::uint64_t kWait = 4 * 3'600;  // seconds until the next attempt
constexpr std::uint64_t kMicroseconds = 1'000'000;

std::uint64_t now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

class Filler {
 public:
  explicit Filler(const char* directory)
      : storage_{Fd{::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)}},
        queue_{storage_,           log_worker_, content_worker_, Options{.min_free_space = 0},
               *recover(storage_), now()} {}

  void run(std::size_t messages) {
    for (std::size_t i = 0; i < messages; ++i) {
      add(i);
      while (unanswered_ > kUnanswered) wait();
    }
    while (!queue_.settled()) wait();
  }

 private:
  void add(std::size_t number) {
    const std::string domain = fmt::format("d{}.example", number / kOfDomain);
    const Id id = queue_.new_id();
    auto incoming = queue_.begin(id);
    if (incoming->add("Subject: waiting\r\n\r\n" + std::string(kContent, 'x') + "\r\n") !=
        Incoming::Problem::none)
      throw std::runtime_error("the content finds no place");
    ++unanswered_;
    queue_.accept(std::move(incoming),
                  {.connection = 1,
                   .submitter = fmt::format("user{}", number % 1'000),
                   .reverse_path = "sender@sandbox.test",
                   .recipients = {{"somebody@" + domain, "", 0, domain}},
                   .targets = {{0, 0}}},
                  now(), [this, id](Outcome outcome, const SharedContent&) {
                    if (outcome != Outcome::durable) throw std::runtime_error("not durable");
                    --unanswered_;
                    defer(id);
                  });
  }

  void defer(Id id) {
    Attempted attempted{{0}, {3, now() + kWait * kMicroseconds}, {}, {}};
    attempted.answers.push_back({.target = 1,
                                 .code = 451,
                                 .enhanced = "4.7.1",
                                 .text = "Greylisted, come back later",
                                 .host = "mx.example",
                                 .address = "192.0.2.1",
                                 .time = now()});
    queue_.record(id, attempted);
  }

  void wait() {
    pollfd entries[] = {{log_worker_.event_fd(), POLLIN, 0}, {content_worker_.event_fd(), POLLIN, 0}};
    ::poll(entries, 2, 100);
    log_worker_.dispatch();
    content_worker_.dispatch();
  }

  DirectoryStorage storage_;
  ThreadWorker log_worker_, content_worker_;
  Queue queue_;
  std::size_t unanswered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: fill_queue DIRECTORY MESSAGES\n";
    return 2;
  }
  Filler{argv[1]}.run(std::strtoul(argv[2], nullptr, 10));
}
