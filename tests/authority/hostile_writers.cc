// All processes are hostile to logd: they write into their log pipes what is no line, and lines that others
// would have written.  So is the supervisor, and so are tools.
//
//   hostile_writers CONFIG    in the installation of CONFIG, which must not run
//
// logd is the release program behind its walls.  What comes of a pipe is in the log under that pipe's name,
// printable, a line at a time, and what is no event as stray output; the lines of others come whole, also
// beside a flood; what is no message of the supervisor ends it in order, without a signal; what is none of a
// tool closes that tool's connection.  Each line is "ok - WHAT" or "not ok - WHAT".  tests/breach/34-logd.t
// runs it.  Needs root.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <stdexcept>

#include "daemons/channels/tools_logd.h"
#include "daemons/log.h"
#include "daemons/mailroomd/configuration.h"
#include "libcommon/sys/fatal.h"
#include "tests/authority/examples.h"
#include "tests/authority/findings.h"
#include "tests/authority/raw_channel.h"
#include "tests/authority/receiver.h"

namespace mailroom::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::string_view kHostile = "policyd";
constexpr std::string_view kHonest = "queued";
constexpr std::size_t kFlood = 16 << 20;     // octets
constexpr milliseconds kMostWait{1000};      // of an honest line beside the flood
constexpr std::size_t kMostOutput = 10'000;  // octets of a line: escaped, an octet is four

// logd, the writing ends of its pipes, and its tools' socket.
class Logd {
 public:
  explicit Logd(const Config& config) : receiver_{Role::logd, config, passed()} {}

  Receiver& receiver() { return receiver_; }
  int pipe(std::string_view process) { return writers_.at(std::string{process}).get(); }
  void close(std::string_view process) { writers_.at(std::string{process}).reset(); }

  // Those that have come since it was asked last.
  std::vector<std::string> lines() {
    receiver_.hear();
    return receiver_.take_lines();
  }
  // The lines up to the one that ends so; throws when that never comes.
  std::vector<std::string> lines_until(std::string_view last) {
    std::vector<std::string> all;
    const auto end = Clock::now() + kPatience;
    while (all.empty() || !all.back().ends_with(last)) {
      if (Clock::now() > end || !receiver_.lives())
        throw std::runtime_error("logd does not write: " + std::string{last});
      for (std::string& line : lines()) {
        all.push_back(std::move(line));
        if (all.back().ends_with(last)) break;
      }
      ::poll(nullptr, 0, 1);
    }
    return all;
  }

  Fd connect_tool() const {
    Fd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address_), size_) != 0)
      throw std::runtime_error("logd's tools cannot connect");
    return fd;
  }

 private:
  Passed passed() {
    Passed passed;
    for (const std::string_view process : {kHostile, kHonest}) {
      int ends[2];
      if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
      passed.emplace_back("log " + std::string{process}, Fd{ends[0]});
      writers_.emplace(process, Fd{ends[1]});
    }
    Fd tools{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    address_.sun_family = AF_UNIX;  // without a name: the kernel chooses an abstract one
    if (::bind(tools.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_.sun_family) != 0 ||
        ::listen(tools.get(), 10) != 0 ||
        ::getsockname(tools.get(), reinterpret_cast<sockaddr*>(&address_), &size_) != 0)
      throw std::runtime_error("no socket for tools");
    passed.emplace_back("tools", std::move(tools));
    return passed;
  }

  std::map<std::string, Fd> writers_;
  sockaddr_un address_{};
  socklen_t size_ = sizeof address_;
  Receiver receiver_;
};

bool is_printable(std::string_view line) {
  return std::ranges::all_of(line, [](char octet) { return octet >= ' ' && octet <= '~'; });
}

void write_all(int pipe, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t written = ::write(pipe, octets.data(), octets.size());
    if (written <= 0) throw std::runtime_error("logd has closed a pipe");
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Lines that are no event of the process that writes them.
std::vector<std::string> forgeries() {
  std::string octets;
  for (int octet = 0; octet < 256; ++octet)
    if (octet != '\n') octets += static_cast<char>(octet);
  return {
      "2026-11-22T01:02:03.123456Z queued[1] message-queued queue=1",
      "[1] started processes=1\r",
      "[1] started processes=1\x1b]0;x\a",
      "[1] started  processes=1",
      "[99999999999999999999] started processes=1",
      "[-1] started processes=1",
      "[1] no-such-event x=1",
      "[1] started processes=\"1",
      "[1]",
      "",
      octets,
      std::string(3 * log::kMaxLine, '\xff'),
      "[1] started processes=" + std::string(5 * log::kMaxLine, '1'),
  };
}

class Assault {
 public:
  explicit Assault(const Config& config) : config_{config} {}

  void run() {
    Logd logd{config_};
    pretences(logd);
    pieces(logd);
    flood(logd);
    tools(logd);
    ends(logd);
    of_the_supervisor();
    answers_unasked();
  }

 private:
  static constexpr std::string_view kMark = " stopping signal=TERM";  // a line that is one

  void mark(Logd& logd, std::string_view process) {
    write_all(logd.pipe(process), "[77]" + std::string{kMark} + "\n");
  }

  // Each as stray output of who has written it.
  void expect_stray(const std::vector<std::string>& lines, const std::string& what) {
    for (const std::string& line : lines) {
      if (line.ends_with(kMark)) continue;
      const std::size_t space = line.find(' ');
      const bool is_its =
          line.substr(space == line.npos ? 0 : space).starts_with(" policyd stray-output text=");
      if (!is_its || !is_printable(line) || line.size() > kMostOutput)
        findings_.failed(what + ": " + line.substr(0, 200));
    }
  }

  void pretences(Logd& logd) {
    const auto all = forgeries();
    for (const std::string& forgery : all) {
      write_all(logd.pipe(kHostile), forgery + "\n");
      mark(logd, kHostile);
      const auto lines = logd.lines_until(kMark);
      if (lines.size() < 2) findings_.failed("nothing is said of: " + forgery.substr(0, 100));
      expect_stray(lines, "not as stray output");
    }
    report(std::to_string(all.size()) +
           " lines that are none, or another's: stray output of who has written them");
  }

  // Between two pieces of one line another writes.
  void pieces(Logd& logd) {
    const std::string forgery = "2026-11-22T01:02:03.123456Z queued[1] started";
    for (std::size_t cut = 1; cut < forgery.size(); cut += 7) {
      write_all(logd.pipe(kHostile), forgery.substr(0, cut));
      mark(logd, kHonest);
      const auto between = logd.lines_until(kMark);
      if (between.size() != 1 || between.front().find(" queued[77]") == std::string::npos)
        findings_.failed("an honest line is mixed with a piece: " + between.front());
      write_all(logd.pipe(kHostile), forgery.substr(cut) + "\n");
      mark(logd, kHostile);
      expect_stray(logd.lines_until(kMark), "pieces");
    }
    report("lines in pieces: no other's line is mixed with them");
  }

  void flood(Logd& logd) {
    const int pipe = logd.pipe(kHostile);
    ::fcntl(pipe, F_SETFL, O_NONBLOCK);
    const std::string octets(1 << 16, 'x');
    std::size_t poured = 0;
    const auto pour = [&] {
      const ssize_t written = ::write(pipe, octets.data(), octets.size());
      if (written > 0) poured += static_cast<std::size_t>(written);
    };
    Clock::duration longest{};
    while (poured < kFlood) {
      const auto begin = Clock::now();
      mark(logd, kHonest);
      for (bool heard = false; !heard;) {
        pour();
        heard =
            std::ranges::any_of(logd.lines(), [](const std::string& line) { return line.ends_with(kMark); });
        if (Clock::now() > begin + kPatience)
          throw std::runtime_error("an honest line is not heard beside a flood");
      }
      longest = std::max(longest, Clock::now() - begin);
    }
    if (longest > kMostWait) findings_.failed("an honest line waits too long");
    ::fcntl(pipe, F_SETFL, 0);
    write_all(pipe, "\n");
    mark(logd, kHostile);
    logd.lines_until(kMark);
    report("16 MiB without a line's end: the lines of others come meanwhile, within a second");
  }

  void tools(Logd& logd) {
    const std::size_t before = logd.receiver().descriptors();
    const std::string word = ipc::encode(ToolToLogd{CountEvents{}});
    std::vector<Packet> forms = broken_forms_of({word});
    forms.push_back({word, 1});
    for (int kind = 1; kind < 256; ++kind) forms.push_back({std::string(1, static_cast<char>(kind))});
    const Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    for (const Packet& form : forms) {
      const Fd tool = logd.connect_tool();
      send_packet(tool.get(), form.bytes, std::vector<int>(form.descriptors, null.get()));
      if (!eventually(logd, [&] { return is_closed(tool.get()); }))
        findings_.failed("not closed after " + described(form));
    }
    if (!eventually(logd, [&] { return logd.receiver().descriptors() <= before; }))
      findings_.failed("descriptors are left");
    report(std::to_string(forms.size()) +
           " packets of tools that are no message: that tool's connection is closed");
  }

  void ends(Logd& logd) {
    logd.close(kHostile);
    mark(logd, kHonest);
    logd.lines_until(kMark);
    if (!logd.receiver().lives()) findings_.failed("it has ended");
    report("a pipe that has come to its end: it goes on with the others");
  }

  // ---- the supervisor, whose each offence is the end of a logd

  static std::vector<Packet> packets_of_a_supervisor() {
    std::vector<Packet> all{{std::string{kNoMessage}}};
    for (const std::string& word : encoded_examples<SupervisorToProcess>()) {
      std::ranges::move(broken_forms_of({word}), std::back_inserter(all));
    }
    all.push_back({ipc::encode(SupervisorToProcess{AttachChannel{"authd-policyd", "authd#1"}})});
    all.push_back({ipc::encode(SupervisorToProcess{AttachChannel{"authd-policyd", "authd#1"}}), 1});
    all.push_back({ipc::encode(SupervisorToProcess{Reconfigure{}})});
    return all;
  }

  void of_the_supervisor() {
    const Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const auto packets = packets_of_a_supervisor();
    for (const Packet& packet : packets) {
      Logd logd{config_};
      send_packet(logd.receiver().control(), packet.bytes, std::vector<int>(packet.descriptors, null.get()));
      eventually(logd, [&] { return !logd.receiver().lives(); });
      const auto status = logd.receiver().status();
      if (!status)
        findings_.failed("goes on after " + described(packet));
      else if (!WIFEXITED(*status) || (WEXITSTATUS(*status) != 0 && WEXITSTATUS(*status) != kFatalExit))
        findings_.failed("status " + std::to_string(*status) + " after " + described(packet));
    }
    report(std::to_string(packets.size()) +
           " packets of the supervisor that are none for it: it ends in order");
  }

  void answers_unasked() {
    Logd logd{config_};
    send_packet(logd.receiver().control(), ipc::encode(SupervisorToProcess{AccountDirectoriesMade{{1}, {2}}}),
                {});
    mark(logd, kHonest);
    logd.lines_until(kMark);
    if (!logd.receiver().lives()) findings_.failed("it has ended");
    report("an answer of the supervisor that it has not asked for: not heeded");
  }

  static bool eventually(Logd& logd, const std::function<bool()>& condition) {
    const auto end = Clock::now() + kPatience;
    while (!condition()) {
      if (Clock::now() > end) return false;
      logd.lines();
      ::poll(nullptr, 0, 1);
    }
    return true;
  }
  void report(const std::string& what) { findings_.report("logd: " + what); }

  const Config& config_;
  Findings findings_;
};

int run(int words, char** word) {
  if (words != 2) throw std::runtime_error("usage: hostile_writers CONFIG");
  const auto config = load_configuration(word[1]);
  if (!config) return 1;
  Assault{*config}.run();
  return 0;
}

}  // namespace
}  // namespace mailroom::test

int main(int words, char** word) {
  return mailroom::test::report_end("hostile_writers", [&] { return mailroom::test::run(words, word); });
}
