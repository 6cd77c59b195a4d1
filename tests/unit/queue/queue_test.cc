#include "spool/queue/queue.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <malloc.h>
#include <set>

#include "libcommon/tls/digest.h"
#include "spool/queue/directory_storage.h"
#include "tests/growth/colliding.h"
#include "tests/unit/queue/bench.h"

using namespace mailroom::queue;
using namespace mailroom::queue::test;

namespace {

// Notes the changing calls that reach the disk.
void watch_calls(MemoryStorage& disk, std::shared_ptr<std::vector<std::string>> into) {
  disk.fault = [into](const std::string& call, const std::string& file) {
    into->push_back(call + " " + file);
    return 0;
  };
}

}  // namespace

TEST_CASE("a message is accepted when it, its segment and the segment's name are on disk") {
  Bench bench;
  auto calls = std::make_shared<std::vector<std::string>>();
  watch_calls(bench.disk, calls);
  const auto outcome = no_outcome();
  const Id id = bench.send(100, outcome);
  CHECK_FALSE(*outcome);
  CHECK(bench.queue->index().find(id) == nullptr);
  bench.run_all();
  CHECK(*outcome == Outcome::durable);
  CHECK(*calls == std::vector<std::string>{"create segment-00000001", "write segment-00000001",
                                           "sync segment-00000001", "sync_directory ."});
  CHECK(bench.content(id) == text_of(id, 100));
  CHECK(bench.queue->read_message(id)->envelope == envelope_to(1));
}

TEST_CASE("what arrives while a sync runs shares the next one") {
  Bench bench;
  bench.send(100);
  std::vector<std::shared_ptr<std::optional<Outcome>>> outcomes;
  for (int i = 0; i < 20; ++i) bench.send(100, outcomes.emplace_back(no_outcome()));
  bench.log_worker.step();  // the first alone
  auto calls = std::make_shared<std::vector<std::string>>();
  watch_calls(bench.disk, calls);
  bench.log_worker.step();
  for (const auto& outcome : outcomes) CHECK(*outcome == Outcome::durable);
  CHECK(*calls == std::vector<std::string>{"write segment-00000001", "sync segment-00000001"});
}

TEST_CASE("long content is on disk, with its name, before the record that names it is written") {
  Bench bench;
  auto calls = std::make_shared<std::vector<std::string>>();
  watch_calls(bench.disk, calls);
  const auto outcome = no_outcome();
  const Id id = bench.send(10'000, outcome);
  bench.run_all();
  CHECK(*outcome == Outcome::durable);
  const std::string name = content_file_name(id);
  CHECK(std::vector(calls->begin(), calls->begin() + 6) ==
        std::vector<std::string>{"create " + name, "write " + name, "write " + name, "sync " + name,
                                 "sync_directory content", "create segment-00000001"});
  CHECK(bench.content(id) == text_of(id, 10'000));
  bench.queue->record(id, Finished{});
  bench.run_all();
  CHECK_FALSE(bench.disk.exists(name));
}

TEST_CASE("content that was not committed leaves no file") {
  Bench bench;
  const Id id = bench.queue->new_id();
  {
    const auto incoming = bench.queue->begin(id);
    for (int i = 0; i < 10; ++i) CHECK(incoming->add(std::string(1000, 'x')) == Incoming::Problem::none);
    CHECK(bench.disk.exists(content_file_name(id)));
  }
  CHECK_FALSE(bench.disk.exists(content_file_name(id)));
}

TEST_CASE("memory for content has a limit, and is given back") {
  Options options = small_options();
  options.memory_limit = 5000;
  Bench bench{{}, options};
  const auto first = no_outcome(), second = no_outcome();
  bench.send(3000, first);
  const auto incoming = bench.queue->begin(bench.queue->new_id());
  CHECK(incoming->add(std::string(3000, 'x')) == Incoming::Problem::no_memory);
  bench.run_all();
  CHECK(*first == Outcome::durable);
  bench.send(3000, second);
  bench.run_all();
  CHECK(*second == Outcome::durable);
}

TEST_CASE("status is remembered over a restart") {
  Bench bench;
  const Id done = bench.send(100), tried = bench.send(100, {}, 3), held = bench.send(100),
           removed = bench.send(100);
  bench.run_all();
  bench.queue->record(done, Finished{});
  bench.queue->record(tried, Attempted{{0}, {1, 555}, {2}, {{.target = 3, .text = "disk full"}}});
  bench.queue->record(tried, Attempted{{0}, {2, 777}, {1}, {{.target = 3, .text = "still full"}}});
  bench.queue->record(held, Held{"by hand"});
  bench.queue->record(removed, Removed{});
  bench.run_all();
  const bool again = GENERATE(false, true);
  bench.restart(bench.disk.after_kill());
  if (again) bench.restart(bench.disk.after_kill());
  CHECK(bench.queue->index().size() == 2);
  const Entry* entry = bench.queue->index().find(tried);
  REQUIRE(entry);
  CHECK(entry->parts.at(0).attempts == 2);
  CHECK(entry->parts.at(0).next_attempt == 777);
  CHECK(entry->finished == std::vector<std::uint32_t>{1, 2});
  CHECK(bench.queue->read_problem(tried) == "still full");
  CHECK(bench.queue->index().find(held)->held);
  CHECK(bench.queue->read_problem(held) == "by hand");
  CHECK(bench.queue->new_id() > removed);
  bench.queue->record(held, Released{});
  bench.run_all();
  bench.restart(bench.disk.after_kill());
  CHECK_FALSE(bench.queue->index().find(held)->held);
}

TEST_CASE("a failed write or sync refuses its whole batch, and nothing of it comes back") {
  struct Case {
    const char* call;
    Errno error;
    Outcome outcome;
  };
  const auto [call, error, expected] =
      GENERATE(Case{"write", ENOSPC, Outcome::no_space}, Case{"write", EIO, Outcome::failed},
               Case{"sync", EIO, Outcome::failed}, Case{"sync", ENOSPC, Outcome::no_space},
               Case{"create", ENOSPC, Outcome::no_space}, Case{"sync_directory", EIO, Outcome::failed});
  const bool first_batch = GENERATE(false, true);
  const bool on_creation = std::string_view{call} == "create" || std::string_view{call} == "sync_directory";
  if (on_creation && !first_batch) return;
  Bench bench;
  Id kept = 0;
  if (!first_batch) {
    kept = bench.send(100);
    bench.run_all();
  }
  fail_call(bench.disk, call, 1, error);
  const auto one = no_outcome(), two = no_outcome();
  bench.send(100);
  bench.log_worker.step();
  if (first_batch) fail_call(bench.disk, call, 1, error);
  const Id lost = bench.send(100, one);
  bench.send(100, two);
  bench.log_worker.step();
  fail_call(bench.disk, call, 1, error, 0);

  const auto after = no_outcome();
  const Id good = bench.send(100, after);
  bench.run_all();
  CHECK(*after == Outcome::durable);
  bench.restart(bench.disk.after_kill());
  CHECK(bench.damage.empty());
  CHECK(bench.content(good) == text_of(good, 100));
  if (kept != 0) CHECK(bench.content(kept) == text_of(kept, 100));
  if (*one != Outcome::durable) CHECK(bench.content(lost) == "gone");
  if (first_batch && std::string_view{call} != "create") CHECK(*one == expected);
}

TEST_CASE("a file whose sync failed is not synced again") {
  Bench bench;
  bench.send(100);
  bench.run_all();
  auto calls = std::make_shared<std::vector<std::string>>();
  bench.disk.fault = [calls](const std::string& call, const std::string& file) {
    calls->push_back(call + " " + file);
    return call == "sync" ? EIO : 0;
  };
  bench.send(100);
  bench.log_worker.step();
  CHECK(*calls == std::vector<std::string>{"write segment-00000001", "sync segment-00000001",
                                           "truncate segment-00000001"});
  calls->clear();
  bench.send(100);
  bench.log_worker.step();
  CHECK(calls->front() == "create segment-00000002");
  CHECK_FALSE(bench.queue->broken());
  bench.send(100);
  bench.log_worker.step();
  CHECK(bench.queue->broken());
  const auto outcome = no_outcome();
  calls->clear();
  bench.send(100, outcome);
  bench.run_all();
  CHECK(*outcome == Outcome::failed);
  CHECK(calls->empty());
}

TEST_CASE("a status that the disk refused is written when it accepts again") {
  Bench bench;
  const Id id = bench.send(100);
  bench.run_all();
  bench.disk.capacity = bench.disk.used();
  bench.queue->record(id, Finished{});
  bench.run_all();
  CHECK_FALSE(bench.queue->settled());
  CHECK(bench.queue->index().find(id));
  bench.queue->tick();
  bench.run_all();
  CHECK(bench.queue->index().find(id));
  bench.disk.capacity = UINT64_MAX;
  bench.queue->tick();
  bench.run_all();
  CHECK(bench.queue->settled());
  CHECK_FALSE(bench.queue->index().find(id));
}

TEST_CASE("it is known whether the disk takes what is recorded") {
  Bench bench;
  const Id id = bench.send(100);
  bench.run_all();
  CHECK(bench.queue->can_record());
  bench.disk.capacity = bench.disk.used();
  std::vector<Outcome> outcomes;
  const auto note = [&](Outcome outcome) { outcomes.push_back(outcome); };
  bench.queue->record(id, Warned{}, note);
  bench.run_all();
  CHECK(outcomes == std::vector<Outcome>{Outcome::no_space});
  CHECK_FALSE(bench.queue->can_record());
  bench.queue->record(id, Held{"x"}, note);
  CHECK(outcomes.back() == Outcome::failed);
  bench.queue->tick();
  CHECK_FALSE(bench.queue->can_record());
  bench.disk.capacity = UINT64_MAX;
  bench.run_all();
  bench.queue->tick();
  bench.run_all();
  CHECK(bench.queue->can_record());
  bench.queue->record(id, Released{}, note);
  bench.run_all();
  CHECK(outcomes.back() == Outcome::durable);
}

TEST_CASE("records of a message keep their order when the disk refuses one and takes the next") {
  Bench bench;
  const Id id = bench.send(100);
  bench.run_all();
  bench.queue->record(id, Warned{});  // is being written
  bench.queue->record(id, Held{"by hand"});
  bench.log_worker.step();
  bench.queue->record(id, Released{});  // behind it
  fail_call(bench.disk, "write", 1, EIO);
  bench.log_worker.step();
  fail_call(bench.disk, "write", 1, EIO, 0);
  bench.run_all();
  bench.queue->tick();
  bench.run_all();
  CHECK(bench.queue->settled());
  CHECK_FALSE(bench.queue->index().find(id)->held);
  bench.restart(bench.disk.after_kill());
  CHECK_FALSE(bench.queue->index().find(id)->held);
}

TEST_CASE("a full disk refuses at every size of what is left, and loses nothing") {
  for (std::uint64_t left = 0; left < 1500; left += 37) {
    Bench bench;
    const Id kept = bench.send(300);
    bench.run_all();
    bench.disk.capacity = bench.disk.used() + left;
    const auto outcome = no_outcome();
    const Id id = bench.send(400, outcome);
    bench.run_all();
    CHECK((*outcome == Outcome::durable || *outcome == Outcome::no_space));
    bench.restart(bench.disk.after_kill());
    CHECK(bench.content(kept) == text_of(kept, 300));
    CHECK(bench.content(id) == (*outcome == Outcome::durable ? text_of(id, 400) : "gone"));
    CHECK(bench.damage.empty());
  }
}

TEST_CASE("the log stays in proportion to what is live, and what is live stays whole") {
  Bench bench;
  std::vector<Id> old;
  for (int i = 0; i < 10; ++i) old.push_back(bench.send(200, {}, 2));
  bench.run_all();
  bench.queue->record(old[3], Attempted{{0}, {4, 99}, {2}, {{.target = 1, .text = "why not"}}});
  bench.queue->record(old[5], Held{"by hand"});
  for (int i = 0; i < 2000; ++i) {
    const Id id = bench.send(500);
    bench.run_all();
    bench.queue->record(id, Finished{});
    bench.run_all();
    if (i == 1000) bench.restart(bench.disk.after_kill());
  }
  CHECK(bench.disk.used() < 8 * small_options().segment_size);
  CHECK(bench.queue->index().size() == old.size());
  for (const Id id : old) CHECK(bench.content(id) == text_of(id, 200));
  CHECK(bench.queue->index().find(old[3])->finished == std::vector<std::uint32_t>{2});
  CHECK(bench.queue->index().find(old[3])->parts.at(0).attempts == 4);
  CHECK(bench.queue->read_problem(old[3]) == "why not");
  CHECK(bench.queue->index().find(old[5])->held);
  CHECK_FALSE(bench.disk.exists("segment-00000001"));
}

TEST_CASE("what has finished while a message is copied stays finished") {
  Bench bench;
  constexpr std::uint32_t kTargets = 300;
  const Id old = bench.send(100, {}, kTargets), other = bench.send(100);
  bench.run_all();
  const Attempted loud{{}, {}, {}, {{.target = 1, .text = std::string(1000, 'x')}}};  // lets the log grow
  bench.queue->record(other, loud);
  std::vector<std::uint32_t> finished;
  int copies = 0;
  for (std::uint32_t target = 1; target <= kTargets; ++target) {
    const Place before = bench.queue->index().find(old)->accepted;
    // A batch is being written, now and then with a copy: what is noted goes into the next one.
    finished.push_back(target);
    bench.queue->record(old, Attempted{{}, {}, {target}, {}});
    bench.queue->record(other, loud);
    bench.log_worker.step();
    if (bench.queue->index().find(old)->finished != finished) FAIL("lost at " << target);
    if (bench.queue->index().find(old)->accepted != before) ++copies;
  }
  CHECK(copies > 2);
  bench.run_all();
  bench.restart(bench.disk.after_kill());
  CHECK(bench.queue->index().find(old)->finished == finished);
}

TEST_CASE("many live messages in old segments are copied only when the log has grown far beyond them") {
  Bench bench;
  std::vector<Id> ids;
  for (int i = 0; i < 300; ++i) ids.push_back(bench.send(300));
  bench.run_all();
  for (int i = 0; i < 3000; ++i) {
    const Id id = bench.send(500);
    bench.run_all();
    bench.queue->record(id, Finished{});
    bench.run_all();
  }
  CHECK(bench.disk.used() < 2 * 300 * 1000 + 8 * small_options().segment_size);
  bench.restart(bench.disk.after_kill());
  for (const Id id : ids) CHECK(bench.content(id) == text_of(id, 300));
}

TEST_CASE("the index takes less than 400 octets for each message") {
  const std::size_t before = ::mallinfo2().uordblks;
  Index index;
  constexpr std::size_t kMessages = 100'000;
  for (Id id = 1; id <= kMessages; ++id)
    index.apply({make_place(1, id * 1024), 1000, id << 20}, Accepted{.envelope = envelope_to(1)});
  CHECK((::mallinfo2().uordblks - before) / kMessages < 250);  // leaves the rest to the schedule
}

TEST_CASE("a sender's number is his alone, whatever he calls himself") {
  Index index;
  std::set<SenderNumber> numbers;
  constexpr Id kSenders = 1000;
  for (Id id = 1; id <= kSenders; ++id) {
    Envelope envelope = envelope_to(1);
    envelope.reverse_path = mailroom::growth::colliding_text(id);
    REQUIRE(std::hash<std::string>{}(envelope.reverse_path) ==
            std::hash<std::string>{}(mailroom::growth::colliding_text(1)));
    index.apply({make_place(1, id * 1024), 1000, id}, Accepted{.envelope = envelope});
    numbers.insert(index.find(id)->sender);
  }
  CHECK(numbers.size() == kSenders);
}

TEST_CASE("a sender keeps its number as long as there is a message of it") {
  Index index;
  const auto accept = [&](Id id, std::string sender) {
    Envelope envelope = envelope_to(1);
    envelope.reverse_path = std::move(sender);
    index.apply({make_place(1, id * 1024), 1000, id}, Accepted{.envelope = envelope});
    return index.find(id)->sender;
  };
  const SenderNumber number = accept(1, "a@example.net");
  CHECK(accept(2, "b@example.net") != number);
  CHECK(accept(3, "a@example.net") == number);
  CHECK(accept(1, "a@example.net") == number);  // copied forward
  index.apply({make_place(1, 8192), 100, 1}, Finished{});
  CHECK(index.find(3)->sender == number);
  CHECK(accept(4, "c@example.net") != number);
}

TEST_CASE("short and interrupted writes are continued") {
  const std::vector<std::string_view> parts{"abc", "", "defgh", "ij"};
  std::string out;
  int calls = 0;
  const auto write = [&](const iovec* vectors, int count, std::uint64_t offset) -> ssize_t {
    CHECK(offset == 100 + out.size());
    if (++calls % 3 == 0) {
      errno = EINTR;
      return -1;
    }
    REQUIRE(count > 0);
    const std::size_t n = std::min<std::size_t>(vectors[0].iov_len, 2);
    out.append(static_cast<const char*>(vectors[0].iov_base), n);
    return static_cast<ssize_t>(n);
  };
  CHECK(write_all(parts, 100, write) == 0);
  CHECK(out == "abcdefghij");
  CHECK(write_all(parts, 0, [](auto...) { return 0; }) == EIO);
  CHECK(write_all(parts, 0, [](auto...) {
          errno = ENOSPC;
          return -1;
        }) == ENOSPC);
}

TEST_CASE("a queue of another version is left alone, and said to be one; earlier ones are read") {
  Bench bench;
  const auto outcome = no_outcome();
  bench.send(100, outcome);
  bench.run_all();
  REQUIRE(*outcome == Outcome::durable);
  MemoryStorage disk = bench.disk.after_kill();
  const auto names = disk.list(kTopDirectory);
  REQUIRE(names);
  const std::string name = names->front();
  std::string& bytes = disk.bytes_of(name);
  const auto set_version = [&](char version) {
    constexpr std::size_t kChecked = kSegmentHeaderSize - sizeof(std::uint64_t);
    bytes[7] = version;
    const mailroom::Sha256Digest digest = mailroom::sha256(std::string_view{bytes}.substr(0, kChecked));
    std::memcpy(bytes.data() + kChecked, digest.data(), sizeof(std::uint64_t));
  };
  bytes[7] = '1';

  SECTION("whole: nobody can read its records") {
    set_version(GENERATE('1', '5'));
    const std::string before = bytes;
    const auto recovered = recover(disk);
    REQUIRE_FALSE(recovered);
    CHECK(recovered.error().find("another version") != std::string::npos);
    REQUIRE(disk.exists(name));
    CHECK(disk.bytes_of(name) == before);
  }
  SECTION("an earlier version") {
    set_version(GENERATE('2', '3'));
    const auto recovered = recover(disk);
    REQUIRE(recovered);
    CHECK(recovered->damage.empty());
    CHECK(recovered->index.size() == 1);
  }
  SECTION("a damaged octet is damage") {
    const auto recovered = recover(disk);
    REQUIRE(recovered);
    CHECK_FALSE(recovered->damage.empty());
  }
}
