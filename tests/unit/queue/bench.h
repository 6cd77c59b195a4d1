// A queue on a disk in memory, with workers that run when the test says so.
#pragma once

#include <memory>
#include <string>

#include "spool/queue/queue.h"
#include "tests/unit/queue/memory_storage.h"

namespace mailroom::queue::test {

inline constexpr std::uint64_t kNow = 1'800'000'000;  // seconds since 1970

inline Options small_options() {
  return {.memory_limit = 1 << 20,
          .memory_message_size = 4096,
          .segment_size = 16 * 1024,
          .min_free_space = 0,
          .copy_forward_percent = 20};
}

inline Envelope envelope_to(std::uint32_t accounts) {
  Envelope envelope{.connection = 7, .reverse_path = "sender@example.net"};
  for (std::uint32_t i = 0; i < accounts; ++i) {
    envelope.recipients.push_back({"user@example.edu", "", 0});
    envelope.targets.push_back({i, i + 1});
  }
  return envelope;
}

// Content that can be told from any other.
inline std::string text_of(Id id, std::size_t length) {
  std::string text = "Subject: " + id_text(id) + "\r\n\r\n";
  while (text.size() < length) text += id_text(id) + static_cast<char>('a' + text.size() % 26);
  text.resize(std::max<std::size_t>(length, 16));
  return text;
}

class Bench {
 public:
  explicit Bench(MemoryStorage storage = {}, Options options = small_options())
      : disk{std::move(storage)}, options_{options} {
    start();
  }

  // As after the end of the process: what the disk shows is all there is.
  void restart(MemoryStorage storage) {
    queue.reset();
    disk = std::move(storage);
    log_worker = {};
    content_worker = {};
    start();
  }

  // Hands in a message and returns its id; `*outcome` is set when there is one.
  Id send(std::size_t length, std::shared_ptr<std::optional<Outcome>> outcome = {}, std::uint32_t targets = 1,
          std::optional<Status> along = {}) {
    const Id id = queue->new_id();
    auto incoming = queue->begin(id);
    if (incoming->add(text_of(id, length)) != Incoming::Problem::none) {
      if (outcome) *outcome = Outcome::failed;
      return id;
    }
    queue->accept(
        std::move(incoming), envelope_to(targets), kNow * 1'000'000,
        [outcome](Outcome what, SharedContent) {
          if (outcome) *outcome = what;
        },
        std::move(along));
    return id;
  }

  void run_all() {
    while (log_worker.step() || content_worker.step()) {
    }
  }

  // The content, or what is wrong with it.
  std::string content(Id id) {
    std::string text;
    const auto read = queue->read_content(id, [&](std::string_view bytes) { text += bytes; });
    if (read) return text;
    return read.error() == ReadProblem::gone ? "gone" : "damaged";
  }

  MemoryStorage disk;
  StepWorker log_worker;
  StepWorker content_worker;
  std::unique_ptr<Queue> queue;
  std::vector<Damage> damage;
  std::uint64_t cut_octets = 0;

 private:
  void start() {
    auto recovered = recover(disk);
    if (!recovered) throw std::runtime_error(recovered.error());
    damage = recovered->damage;
    cut_octets = recovered->cut_octets;
    queue = std::make_unique<Queue>(disk, log_worker, content_worker, options_, std::move(*recovered),
                                    kNow * 1'000'000);
  }

  Options options_;
};

inline std::shared_ptr<std::optional<Outcome>> no_outcome() {
  return std::make_shared<std::optional<Outcome>>();
}

// The nth call of that name fails.
inline void fail_call(MemoryStorage& disk, const std::string& name, int nth, Errno error, int times = 1) {
  auto count = std::make_shared<int>(0);
  disk.fault = [=](const std::string& call, const std::string&) {
    if (call != name) return 0;
    const int now = ++*count;
    return now >= nth && now < nth + times ? error : 0;
  };
}

}  // namespace mailroom::queue::test
