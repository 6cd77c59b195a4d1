// All peers of one process at once, all of them hostile: on each of its channels, and on those of connections
// that come over them, they send what is no message, what is one in the wrong state, and what it has no use
// for.
//
//   hostile_peers --roles              who hears anybody on a row of kChannels
//   hostile_peers ROLE CONFIG FLOOD    in the installation of CONFIG, which must not run
//
// FLOOD is how many messages a flood has.  The process is the release program behind its walls.  It must
// close the channel that is abused, no other, say so in its log, go on, and keep no descriptor; and hear the
// others while one is flooded.  Each line is "ok - WHAT" or "not ok - WHAT".  tests/breach/31-peers.t runs it
// for every process.  Needs root.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "daemons/mailroomd/configuration.h"
#include "tests/authority/channel_words.h"
#include "tests/authority/findings.h"
#include "tests/authority/raw_channel.h"
#include "tests/authority/receiver.h"

namespace mailroom::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kConnectionsOfAListener = 200;  // then it is replaced, as a server remembers them
constexpr std::size_t kBurst = 64;                    // of a flood, between two looks at the others
constexpr std::size_t kProbes = 15;
// What the others may wait while one is flooded: V20's 100 ms, and on a machine that is slow for all so many
// times what they wait when there is no flood.
constexpr milliseconds kMostWait{100};
constexpr int kTimesTheUsual = 20;

struct Pair {
  Fd near, far;
  static Pair make(int type) {
    int ends[2];
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
    return {Fd{ends[0]}, Fd{ends[1]}};
  }
};

struct NamedFile {
  const char* name;
  Fd file;
};

// What no channel and no content is.
std::vector<NamedFile> wrong_descriptors() {
  std::vector<NamedFile> all;
  all.push_back({"a directory", Fd{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)}});
  all.push_back({"a device without end", Fd{::open("/dev/zero", O_RDWR | O_CLOEXEC)}});
  all.push_back({"a path", Fd{::open("/etc/passwd", O_PATH | O_CLOEXEC)}});
  all.push_back({"a file without a name", Fd{::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)}});
  all.push_back({"memory without seals", Fd{::memfd_create("unsealed", MFD_CLOEXEC)}});
  all.push_back({"a stream", Pair::make(SOCK_STREAM).far});
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  ::close(pipe[1]);
  all.push_back({"a pipe", Fd{pipe[0]}});
  return all;
}

class Assault {
 public:
  Assault(Receiver& receiver, const Speech& speech, const std::vector<Speech>& others)
      : receiver_{receiver}, speech_{speech}, null_{::open("/dev/null", O_RDONLY | O_CLOEXEC)} {
    for (const Speech& other : others)
      if (other.row != speech.row && !other.words.empty()) probe_row_ = other.row;
    if (probe_row_.empty()) probe_row_ = speech.row;
    for (const Speech& other : others)
      if (other.row != speech.row && other.row != probe_row_ && !other.is_connections())
        bystanders_.push_back({other.row, receiver.attach(other.row)});
  }

  void run(std::size_t flood_volume) {
    offend({std::string{kNoMessage}});  // what it sets up at the first
    expect("it has its channels", [this] { return receiver_.has_heard(); });
    const std::size_t before = quiet_descriptors();
    if (speech_.words.empty()) {
      babble("what it never listens to");
    } else {
      broken_packets();
      out_of_turn();
      if (std::ranges::any_of(speech_.words, [](const Word& word) { return word.descriptors > 0; }))
        with_wrong_descriptors();
      flood(flood_volume);
    }
    parent_.reset();
    expect("it goes on", [this] { return receiver_.lives(); });
    for (const auto& [row, end] : bystanders_)
      expect("the channel " + row + " is still there", [&end = end] { return !is_closed(end.get()); });
    expect("it has the descriptors that it had",
           [this, before] { return receiver_.descriptors() <= before; });
    report("goes on as before");
  }

 private:
  // ---- channels to speak on

  Fd open() {
    if (!speech_.is_connections()) return receiver_.attach(speech_.row);
    if (!parent_ || last_id_ % kConnectionsOfAListener == 0) parent_ = receiver_.attach(speech_.row);
    Pair pair = Pair::make(SOCK_SEQPACKET);
    const int raw = pair.far.get();
    while (send_packet(parent_.get(), speech_.opening(++last_id_), {&raw, 1}) == EAGAIN) wait_a_little();
    return std::move(pair.near);
  }

  void wait_a_little() {
    receiver_.hear();
    ::poll(nullptr, 0, 1);
  }

  template <typename Condition>
  bool eventually(Condition condition) {
    const auto end = Clock::now() + kPatience;
    while (!condition()) {
      if (Clock::now() > end) return false;
      wait_a_little();
    }
    return true;
  }

  int send(const Fd& mouth, const Word& packet) {
    const std::vector<int> descriptors(packet.descriptors, null_.get());
    return send_packet(mouth.get(), packet.bytes, descriptors);
  }
  void send_word(const Fd& mouth, const Word& word) {
    const Pair pair = Pair::make(SOCK_SEQPACKET);
    const int raw = pair.far.get();
    send_packet(mouth.get(), word.bytes, {&raw, std::min<std::size_t>(word.descriptors, 1)});
  }

  // Whether the receiver closes the channel.  It is awaited without sleep: there are thousands.
  bool closes(const Fd& mouth) {
    const auto end = Clock::now() + kPatience;
    while (!is_closed(mouth.get())) {
      if (Clock::now() > end || !receiver_.lives()) return false;
      receiver_.hear();
      pollfd entry{mouth.get(), POLLIN, 0};
      ::poll(&entry, 1, 20);
    }
    receiver_.hear();
    return true;
  }

  void offend(const Word& packet) {
    const Fd mouth = open();
    send(mouth, packet);
    if (!speech_.words.empty() && !closes(mouth)) failed("not closed after " + described(packet));
  }

  // ---- what is no message: closed, and said

  void broken_packets() {
    std::vector<Word> all;
    for (const Word& word : speech_.words) std::ranges::move(broken_forms_of(word), std::back_inserter(all));
    for (std::size_t count = 2; count <= kMostDescriptors; ++count)
      all.push_back({speech_.words.front().bytes, count});
    for (std::size_t kind = speech_.words.size(); kind < 256; ++kind)
      all.push_back({std::string(1, static_cast<char>(kind)) + speech_.words.front().bytes.substr(1)});
    const std::size_t complaints = receiver_.log().complaints();
    for (const Word& packet : all) offend(packet);
    const auto said = [&] { return receiver_.log().complaints() - complaints; };
    expect("it says so each time", [&] { return said() >= all.size(); });
    report(std::to_string(all.size()) +
           " packets that are no message: each closes its channel, and is in the log");
  }

  // ---- what is a message: whatever comes of it, the channel still closes at what is none

  void out_of_turn() {
    std::size_t count = 0;
    const auto try_words = [&](std::initializer_list<Word> words) {
      const Fd mouth = open();
      for (const Word& word : words) send_word(mouth, word);
      send(mouth, {std::string{kNoMessage}});
      if (!closes(mouth)) failed("not closed after " + described({words.begin()->bytes}));
      ++count;
    };
    for (const Word& word : speech_.words) {
      try_words({word});
      try_words({word, word});
      for (const Word& next : speech_.words) try_words({word, next, word});
      for (const Word& odd : odd_forms_of(word)) try_words({odd});
      try_words(
          {{word.bytes, 1 - word.descriptors}});  // the descriptor that is due is missing, or one too many
      try_words({{"", 1}});
      const Fd left = open();  // and closed before it is heard
      send_word(left, word);
    }
    report(std::to_string(count) +
           " messages in the wrong state, with other ids and lengths: that channel alone");
  }

  // Every four octets as a length or a number that is huge, or negative.
  static std::vector<Word> odd_forms_of(const Word& word) {
    std::vector<Word> all;
    for (std::size_t at = 1; at + 4 <= word.bytes.size(); ++at)
      for (const char* const number : {"\xff\xff\xff\xff", "\xff\xff\xff\x7f", "\x00\x00\x00\x80"})
        all.push_back({std::string{word.bytes}.replace(at, 4, number, 4), word.descriptors});
    return all;
  }

  void with_wrong_descriptors() {
    for (const NamedFile& wrong : wrong_descriptors()) {
      const Fd mouth = open();
      expect("it has the channel",
             [this] { return receiver_.has_heard() && (!parent_ || is_heard(parent_.get())); });
      const std::size_t before = quiet_descriptors();
      const int raw = wrong.file.get();
      for (const Word& word : speech_.words)
        if (word.descriptors > 0) send_packet(mouth.get(), word.bytes, {&raw, 1});
      expect("it hears of " + std::string{wrong.name}, [&] { return is_heard(mouth.get()); });
      expect("it gives back " + std::string{wrong.name}, [&] { return receiver_.descriptors() <= before; });
      send(mouth, {std::string{kNoMessage}});
      if (!closes(mouth)) failed(std::string{"not closed after "} + wrong.name);
    }
    report("descriptors of wrong types are given back");
  }

  // ---- a flood

  // How long a new channel waits to be closed for what is no message.  `meanwhile` is done while it does.
  microseconds probe(const std::function<void()>& meanwhile) {
    const auto begin = Clock::now();
    const Fd mouth = receiver_.attach(probe_row_);
    send(mouth, {std::string{kNoMessage}});
    while (!is_closed(mouth.get())) {
      if (Clock::now() > begin + kPatience || !receiver_.lives()) return microseconds::max();
      receiver_.hear();
      meanwhile();
      pollfd entry{mouth.get(), POLLIN, 0};
      ::poll(&entry, 1, 1);
    }
    return std::chrono::duration_cast<microseconds>(Clock::now() - begin);
  }

  // Those that may be said again and again; all, if there is none.
  std::vector<Word> lasting_words() {
    constexpr int kTimes = 8;
    std::vector<Word> lasting;
    for (const Word& word : speech_.words) {
      const Fd mouth = open();
      for (int i = 0; i < kTimes; ++i) send(mouth, {word.bytes, word.descriptors});
      eventually([&] { return is_heard(mouth.get()); });
      quiet_descriptors();
      if (!is_closed(mouth.get())) lasting.push_back(word);
    }
    return lasting.empty() ? speech_.words : lasting;
  }

  static microseconds median(std::vector<microseconds> all) {
    std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2));
    return all[all.size() / 2];
  }

  void flood(std::size_t volume) {
    std::vector<microseconds> usual, waits;
    for (std::size_t i = 0; i < kProbes; ++i) usual.push_back(probe([] {}));
    const std::vector<Word> words = lasting_words();
    Fd mouth = open();
    std::size_t sent = 0;
    const auto pour = [&] {
      for (std::size_t i = 0; i < kBurst; ++i) {
        const Word& word = words[sent % words.size()];
        const int error = send(mouth, {word.bytes, word.descriptors});
        if (error == EAGAIN) return;
        if (error == 0)
          ++sent;
        else
          mouth = open();  // it was closed for what it said
      }
    };
    while (sent < volume || waits.size() < kProbes) {
      for (std::size_t i = 0; i < volume / kProbes / kBurst; ++i) pour();
      waits.push_back(probe(pour));
      if (waits.back() == microseconds::max()) break;
    }
    const microseconds wait = median(waits),
                       most = std::max<microseconds>(kMostWait, kTimesTheUsual * median(usual));
    if (wait > most) failed("others wait " + std::to_string(wait.count()) + " us");
    mouth.reset();
    report("a flood of " + std::to_string(sent) + ": others are heard within " +
           std::to_string(wait.count()) + " us, without it " + std::to_string(median(usual).count()));
  }

  // ---- what came of it

  // When all that was closed has been closed there too.
  std::size_t quiet_descriptors() {
    std::size_t before = 0, now = receiver_.descriptors();
    do {
      before = now;
      for (int i = 0; i < 20; ++i) wait_a_little();
      now = receiver_.descriptors();
    } while (now != before);
    return now;
  }

  template <typename Condition>
  void expect(const std::string& what, Condition condition) {
    if (!eventually(condition)) failed("never: " + what);
  }
  void failed(const std::string& why) {
    findings_.failed(why);
    if (!receiver_.lives())
      throw std::runtime_error("the process has ended: " + why + "\n" + receiver_.log().last_words());
  }
  void babble(const std::string& what) {
    const Fd mouth = open();
    for (std::size_t count = 0; count <= kMostDescriptors; ++count)
      send(mouth, {std::string{kNoMessage}, count});
    report(what);
  }
  void report(const std::string& what) {
    findings_.report(std::string{process_row(receiver_.role()).name} + ", " + speech_.channel + ": " + what);
  }

  Receiver& receiver_;
  const Speech& speech_;
  const Fd null_;
  std::string probe_row_;
  std::vector<std::pair<std::string, Fd>> bystanders_;
  Fd parent_;
  std::uint64_t last_id_ = 0;
  Findings findings_;
};

std::optional<Role> role_named(std::string_view name) {
  const auto* const row = std::ranges::find(kProcesses, name, &ProcessRow::name);
  if (row == kProcesses.end()) return std::nullopt;
  return row->role;
}

int list_roles() {
  for (const ProcessRow& row : kProcesses)
    if (!speeches_to(row.role).empty()) std::printf("%s\n", std::string{row.name}.c_str());
  return 0;
}

int run(int words, char** word) {
  if (words == 2 && std::string_view{word[1]} == "--roles") return list_roles();
  const auto role = words == 4 ? role_named(word[1]) : std::nullopt;
  if (!role) throw std::runtime_error("usage: hostile_peers ROLE CONFIG FLOOD | --roles");
  std::size_t volume = 0;
  std::from_chars(word[3], word[3] + std::strlen(word[3]), volume);
  const auto config = load_configuration(word[2]);
  if (!config) return 1;
  const auto speeches = speeches_to(*role);
  for (const Speech& speech : speeches) {
    Receiver receiver{*role, *config};
    Assault{receiver, speech, speeches}.run(volume);
  }
  return 0;
}

}  // namespace
}  // namespace mailroom::test

int main(int words, char** word) {
  return mailroom::test::report_end("hostile_peers", [&] { return mailroom::test::run(words, word); });
}
