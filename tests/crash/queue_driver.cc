// Works with a queue on a real disk and says, line by line, what it was told; and checks that a queue holds
// all that.
//
//   queue_driver run DIRECTORY MARKS MESSAGES SEED [without-sync]
//   queue_driver check DIRECTORY MARKS
//
// Lines of MARKS: "accepted ID LENGTH" once the message is durable, "refused ID" when it will never be,
// "ending ID" before its end is recorded, "ended ID" when the record is durable.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>

#include "spool/queue/directory_storage.h"
#include "spool/queue/queue.h"
#include "spool/queue/worker.h"

namespace {

using namespace mailroom;
using namespace mailroom::queue;

constexpr std::uint64_t kNow = 1'800'000'000;  // seconds since 1970

Options small_options() {
  return {.memory_limit = 16 << 20,
          .memory_message_size = 16 * 1024,
          .segment_size = 128 * 1024,
          .min_free_space = 0,
          .copy_forward_percent = 20};
}

// Content that can be told from any other's.
std::string text_of(Id id, std::size_t length) {
  const std::string unit = id_text(id) + "\r\n";
  std::string text;
  while (text.size() < length) text += unit;
  text.resize(length);
  return text;
}

Envelope some_envelope() {
  return {.connection = 1,
          .reverse_path = "sender@example.net",
          .recipients = {{"user@example.edu", "", 0}},
          .targets = {{0, 1}}};
}

DirectoryStorage open_storage(const char* directory) {
  return DirectoryStorage{Fd{::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)}};
}

Recovered recover_or_end(Storage& storage) {
  auto recovered = recover(storage);
  if (!recovered) {
    std::cout << "not recovered: " << recovered.error() << "\n";
    std::exit(1);
  }
  return std::move(*recovered);
}

enum class Careless : std::uint8_t { no, without_sync };

class CarelessFile : public File {
 public:
  explicit CarelessFile(std::unique_ptr<File> file) : file_{std::move(file)} {}
  std::expected<std::size_t, Errno> read(std::span<char> into, std::uint64_t offset) override {
    return file_->read(into, offset);
  }
  Errno write(std::span<const std::string_view> parts, std::uint64_t offset) override {
    return file_->write(parts, offset);
  }
  Errno sync() override { return 0; }
  Errno truncate(std::uint64_t size) override { return file_->truncate(size); }
  std::uint64_t size() override { return file_->size(); }

 private:
  std::unique_ptr<File> file_;
};

// Leaves out a sync, to show that the test notices.
class CarelessStorage : public DirectoryStorage {
 public:
  CarelessStorage(DirectoryStorage&& storage, Careless careless)
      : DirectoryStorage{std::move(storage)}, careless_{careless} {}
  std::expected<std::unique_ptr<File>, Errno> create(const std::string& name) override {
    auto file = DirectoryStorage::create(name);
    if (!file || careless_ != Careless::without_sync) return file;
    return std::make_unique<CarelessFile>(std::move(*file));
  }

 private:
  Careless careless_;
};

class Run {
 public:
  Run(const char* directory, const char* marks, unsigned seed, Careless careless)
      : marks_{::open(marks, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)}, random_{seed},
        storage_{open_storage(directory), careless}, queue_{storage_,
                                                            log_worker_,
                                                            content_worker_,
                                                            small_options(),
                                                            recover_or_end(storage_),
                                                            (kNow + seed) * 1'000'000} {}

  void work(int messages) {
    for (int sent = 0; sent < messages || in_flight_ > 0 || !queue_.settled();) {
      while (sent < messages && in_flight_ < 8) {
        send();
        ++sent;
      }
      wait();
      queue_.tick();
    }
  }

 private:
  void mark(const std::string& line) {
    if (::write(marks_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  }

  void send() {
    const Id id = queue_.new_id();
    const std::size_t length = random_() % 8 == 0 ? 20'000 + random_() % 60'000 : 50 + random_() % 6'000;
    auto incoming = queue_.begin(id);
    if (incoming->add(text_of(id, length)) != Incoming::Problem::none)
      return mark(fmt::format("refused {}\n", id));
    ++in_flight_;
    queue_.accept(std::move(incoming), some_envelope(), kNow * 1'000'000,
                  [this, id, length](Outcome outcome, SharedContent) {
                    --in_flight_;
                    if (outcome != Outcome::durable) return mark(fmt::format("refused {}\n", id));
                    mark(fmt::format("accepted {} {}\n", id, length));
                    if (random_() % 4 != 0) end(id);
                  });
  }

  void end(Id id) {
    mark(fmt::format("ending {}\n", id));
    queue_.record(id, Attempted{{0}, {1, kNow}, {}, {{.target = 1, .text = "first try"}}});
    queue_.record(id, Finished{});
  }

  void wait() {
    pollfd events[] = {{log_worker_.event_fd(), POLLIN, 0}, {content_worker_.event_fd(), POLLIN, 0}};
    ::poll(events, 2, 20);
    log_worker_.dispatch();
    content_worker_.dispatch();
  }

  Fd marks_;
  std::mt19937 random_;
  CarelessStorage storage_;
  ThreadWorker log_worker_;
  ThreadWorker content_worker_;
  Queue queue_;
  int in_flight_ = 0;
};

struct Told {
  std::map<Id, std::size_t> accepted;
  std::set<Id> refused;
  std::set<Id> ending;
};

Told read_marks(const char* path) {
  Told told;
  std::ifstream in{path};
  std::string word;
  Id id = 0;
  while (in >> word >> id) {
    if (word == "accepted") in >> told.accepted[id];
    if (word == "refused") told.refused.insert(id);
    if (word == "ending") told.ending.insert(id);
  }
  return told;
}

class NoWorker : public Worker {
  void run(std::function<void()>, std::function<void()>) override {}
};

// Says what is wrong; nothing when all is well.
int check(const char* directory, const char* marks) {
  const Told told = read_marks(marks);
  DirectoryStorage storage = open_storage(directory);
  NoWorker none;
  Queue queue{storage, none, none, small_options(), recover_or_end(storage), kNow * 1'000'000};
  int wrong = 0;
  const auto complain = [&](const char* what, Id id) {
    std::cout << what << " " << id_text(id) << "\n";
    ++wrong;
  };
  std::map<Id, std::string> found;
  for (const auto& [id, entry] : queue.index().entries()) {
    std::string& text = found[id];
    if (!queue.read_content(id, [&](std::string_view bytes) { text += bytes; })) complain("damaged", id);
    if (text != text_of(id, text.size())) complain("changed", id);
    if (told.refused.contains(id)) complain("refused and there", id);
  }
  for (const auto& [id, length] : told.accepted)
    if (!told.ending.contains(id) && (!found.contains(id) || found[id].size() != length))
      complain("lost", id);
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words{arguments, arguments + count};
  if ((count == 6 || count == 7) && words[1] == "run") {
    const Careless careless =
        count == 7 && words[6] == "without-sync" ? Careless::without_sync : Careless::no;
    Run{arguments[2], arguments[3], static_cast<unsigned>(std::stoul(words[5])), careless}.work(
        std::stoi(words[4]));
    return 0;
  }
  if (count == 4 && words[1] == "check") return check(arguments[2], arguments[3]);
  std::cerr
      << "usage: queue_driver run DIRECTORY MARKS MESSAGES SEED [without-sync] | check DIRECTORY MARKS\n";
  return 2;
}
