// A mailbox a hundred times as large must not cost more: SELECT, one UID FETCH, one STORE, noticing one
// arrival.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/unit/imapd/fakes.h"

using namespace mailroom;
using std::chrono::steady_clock;

namespace {

// Gives the session one line at a time, and takes the time from each line to the next wait for input.
class TimedClient : public Stream {
 public:
  explicit TimedClient(std::vector<std::string> lines) : lines_{std::move(lines)} {}

  std::size_t read(std::span<char> into) override {
    if (next_ > 0) times.push_back(steady_clock::now() - sent_);
    if (next_ == lines_.size()) return 0;
    const std::string line = lines_[next_++] + "\r\n";
    std::ranges::copy(line, into.begin());
    sent_ = steady_clock::now();
    return line.size();
  }
  void write(std::string_view bytes) override { output += bytes; }
  void set_deadline(steady_clock::time_point) override {}

  std::vector<steady_clock::duration> times;
  std::string output;

 private:
  std::vector<std::string> lines_;
  std::size_t next_ = 0;
  steady_clock::time_point sent_;
};

// Copies double the folder: rows without files.
void fill(mailbox::Mailbox& mail, std::uint32_t wanted) {
  append_message(mail, "INBOX", "Subject: x\r\n\r\nhi\r\n");
  for (std::uint32_t have = 1; have < wanted; have = mail.folder(mailbox::kInbox)->exists) {
    mailbox::UidSet source;
    source.insert(mailbox::UidRange{1, std::min({have, wanted - have, 20000U})});
    REQUIRE(mail.copy(mailbox::kInbox, source, mailbox::kInbox));
  }
}

// In memory, where there is such a file system: what a disk takes for a sync changes from one to the next.
std::filesystem::path quiet_place() {
  return std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
}

// Each command's best of several sessions, in microseconds.
std::vector<double> best_times(std::uint32_t messages) {
  const TemporaryAccount account{quiet_place()};
  mailbox::Mailbox mail = account.open();
  fill(mail, messages);
  std::vector<double> best(4, 1e9);
  for (int round = 0; round < 7; ++round) {
    TimedClient client{{"a SELECT INBOX", "b UID FETCH 500 (FLAGS ENVELOPE)",
                        round % 2 == 0 ? "c STORE 500 +FLAGS (\\Flagged)" : "c STORE 500 -FLAGS (\\Flagged)",
                        "d APPEND INBOX {18+}\r\nSubject: x\r\n\r\nhi\r\n"}};
    ClientFirst wait;
    imapd::run_session(client, mail, wait, {.context = "in"});
    REQUIRE(client.output.find("d OK [APPENDUID") != std::string::npos);
    REQUIRE(client.output.find("* " + std::to_string(messages + static_cast<std::uint32_t>(round) + 1) +
                               " EXISTS") != std::string::npos);
    for (std::size_t i = 0; i < best.size(); ++i) {
      best[i] = std::min(best[i], std::chrono::duration<double, std::micro>(client.times.at(i)).count());
    }
  }
  return best;
}

}  // namespace

TEST_CASE("a large mailbox costs little more than a small one") {
  const std::vector<double> small = best_times(1000);
  const std::vector<double> large = best_times(100000);
  const char* const names[] = {"SELECT", "UID FETCH", "STORE", "APPEND and EXISTS"};
  for (std::size_t i = 0; i < small.size(); ++i) {
    INFO(names[i] << ": " << small[i] << " us with 1,000 messages, " << large[i] << " us with 100,000");
    // Below 200 us the clock and the scheduler are what is measured.
    CHECK(large[i] < 2 * std::max(small[i], 200.0));
  }
}
