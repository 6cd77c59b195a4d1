// Every process of the system at once, and mailroomd, all of them hostile to the supervisor: the test is
// mailroomd, "starts" what it is asked for, and speaks as each process on its control channel.
//
//   hostile_processes CONFIG FLOOD    in an installation that does not run; FLOOD: messages of a flood
//
// What is no message ends the process that has sent it, and no other; what it may not ask for does not reach
// mailroomd; each time it is in the log; and the supervisor goes on, hears the others meanwhile, and keeps no
// descriptor.  From mailroomd, without which nothing can go on, what is no message ends the supervisor in
// order.  tests/breach/33-processes.t runs it.  Needs root.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <functional>
#include <list>
#include <set>
#include <stdexcept>

#include "daemons/channels/spawner.h"
#include "daemons/mailroomd/configuration.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/ipc/overloaded.h"
#include "libcommon/sys/fatal.h"
#include "tests/authority/examples.h"
#include "tests/authority/findings.h"
#include "tests/authority/raw_channel.h"
#include "tests/authority/release_process.h"

namespace mailroom::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kPatience{60};
constexpr pid_t kFirstPid = 0x40000000;  // of processes that there are not
constexpr milliseconds kMostWait{1000};  // of one process while another floods
// What a process leaves behind at its end: more than a socket of the kernel's usual size holds.
constexpr std::size_t kLeftBehind = 20'000;
constexpr std::size_t kMostHeardOfIt = 5'000;
constexpr int kHugeSendBuffer = 64 << 20;

struct Process {
  Role role;
  pid_t pid;
  Fd control;
};

class Mailroomd {
 public:
  Mailroomd(const Config& config, const std::string& config_file)
      : Mailroomd(config, config_file, ipc::make_channel()) {}

  std::list<Process>& processes() { return processes_; }
  const HeardLog& log() const { return supervisor_.log(); }
  const ReleaseProcess& supervisor() const { return supervisor_; }
  bool is_announced() const { return announced_; }
  const std::set<pid_t>& ended() const { return ended_; }  // by the supervisor's word
  std::size_t directories_asked() const { return directories_asked_; }
  int channel() const { return channel_.fd(); }

  // Does what the supervisor asks for until the condition holds; false when it never does.
  bool serve_until(const std::function<bool()>& condition) {
    const auto end = Clock::now() + kPatience;
    while (!condition()) {
      if (Clock::now() > end || !supervisor_.lives()) return false;
      if (!serve_one()) ::poll(nullptr, 0, 1);
    }
    return true;
  }

  // The process has ended by itself; somebody else may still have its end of the channel.
  Fd end_by_itself(std::list<Process>::iterator process) {
    Fd control = std::move(process->control);
    channel_.send(ProcessEnded{process->pid, false, 0});
    processes_.erase(process);
    return control;
  }

 private:
  Mailroomd(const Config& config, const std::string& config_file, std::pair<Fd, Fd> ends)
      : supervisor_{{.program = config.directories.libexec + "/supervisor",
                     .name = "supervisor",
                     .arguments = {"--config", config_file},
                     .passed = {ends.second.get()}}},
        channel_{std::move(ends.first)} {}

  bool serve_one() {
    supervisor_.log().hear();
    for (const Process& process : processes_) is_closed(process.control.get());  // reads what it is told
    auto received = channel_.receive(decltype(channel_)::Wait::no, ipc::kMaxDescriptors);
    if (!received) return false;
    std::visit(Overloaded{[](const PassDescriptors&) {},
                          [this](const StartProcess& message) { start(message.role); },
                          [this](const EndProcess& message) { end(message.pid); },
                          [this](const EndConnections& message) {
                            channel_.send(ConnectionsEnded{message.pid, 0});
                          },
                          [this](const Announce&) { announced_ = true; },
                          [this](const MakeAccountDirectories& message) {
                            ++directories_asked_;
                            channel_.send(AccountDirectoriesMade{{}, message.accounts});
                          },
                          [this](const RemoveAccountDirectory&) { ++directories_asked_; }},
               received->message);
    return true;
  }

  void start(Role role) {
    auto [ours, theirs] = ipc::make_channel();
    const int raw = theirs.get();
    processes_.push_back({role, next_pid_++, std::move(ours)});
    channel_.send(ProcessStarted{processes_.back().pid}, {&raw, 1});
    send_packet(processes_.back().control.get(), ipc::encode(ProcessToSupervisor{Ready{}}), {});
  }

  void end(pid_t pid) {
    if (std::erase_if(processes_, [pid](const Process& process) { return process.pid == pid; }) == 0) return;
    ended_.insert(pid);
    channel_.send(ProcessEnded{pid, true, SIGKILL});
  }

  ReleaseProcess supervisor_;
  ipc::MessageChannel<SpawnerToSupervisor, SupervisorToSpawner> channel_;
  std::list<Process> processes_;
  pid_t next_pid_ = kFirstPid;
  std::set<pid_t> ended_;
  std::size_t directories_asked_ = 0;
  bool announced_ = false;
};

class Assault {
 public:
  explicit Assault(Mailroomd& mailroomd)
      : mailroomd_{mailroomd}, null_{::open("/dev/null", O_RDONLY | O_CLOEXEC)} {
    expect("the system starts", [this] { return mailroomd_.is_announced(); });
    count_ = mailroomd_.processes().size();
    descriptors_ = mailroomd_.supervisor().descriptors();
  }

  void run(std::size_t volume) {
    broken_packets();
    all_at_once();
    requests_of_others();
    unasked_answers();
    flood(volume);
    last_words();
    expect("it has the descriptors that it had",
           [this] { return mailroomd_.supervisor().descriptors() <= descriptors_; });
    expect("it goes on", [this] { return mailroomd_.supervisor().lives(); });
    report("goes on as before");
  }

  // What mailroomd never sends; then there is no supervisor any more.
  void end_by(const Packet& packet) {
    send_to(mailroomd_.channel(), packet);
    mailroomd_.serve_until([this] { return !mailroomd_.supervisor().lives(); });
    const auto status = mailroomd_.supervisor().status();
    if (!status) findings_.failed("goes on after " + described(packet));
    if (status && (!WIFEXITED(*status) || WEXITSTATUS(*status) != kFatalExit))
      findings_.failed("status " + std::to_string(*status) + " after " + described(packet));
  }
  void report(const std::string& what) { findings_.report("supervisor: " + what); }

 private:
  static const std::vector<std::string>& words() {
    static const auto all = encoded_examples<ProcessToSupervisor>();
    return all;
  }
  static std::vector<Packet> broken_forms() {
    std::vector<Packet> forms;
    for (const std::string& word : words()) {
      std::ranges::move(broken_forms_of({word}), std::back_inserter(forms));
      forms.push_back({word, 1});
    }
    for (std::size_t kind = words().size(); kind < 256; ++kind)
      forms.push_back({std::string(1, static_cast<char>(kind))});
    return forms;
  }

  void send_to(int channel, const Packet& packet) {
    const std::vector<int> descriptors(packet.descriptors, null_.get());
    send_packet(channel, packet.bytes, descriptors);
  }
  void send(const Process& process, const Packet& packet) { send_to(process.control.get(), packet); }

  bool is_complete() { return mailroomd_.processes().size() == count_; }
  std::list<Process>::iterator newest(Role role) {
    auto& all = mailroomd_.processes();
    const auto found = std::ranges::find(all.rbegin(), all.rend(), role, &Process::role);
    if (found == all.rend()) throw std::runtime_error("there is no " + std::string{process_row(role).name});
    return std::prev(found.base());
  }

  // A listener that tells of a crash is replaced without a pause, and the one that is replaced says what is
  // no message.
  void broken_packets() {
    const auto forms = broken_forms();
    for (const Packet& form : forms) {
      const auto old = newest(Role::imapd);
      const pid_t pid = old->pid;
      const std::size_t complaints = mailroomd_.log().complaints();
      std::set<pid_t> due = mailroomd_.ended();
      due.insert(pid);
      send(*old, {ipc::encode(ProcessToSupervisor{ConnectionCrashed{}})});
      expect("it is replaced", [&] { return newest(Role::imapd)->pid != pid; });
      send(*old, form);
      expect("it alone is ended: " + described(form),
             [&] { return mailroomd_.ended() == due && is_complete(); });
      expect("it is in the log: " + described(form),
             [&] { return mailroomd_.log().complaints() > complaints; });
    }
    report(std::to_string(forms.size()) +
           " packets that are no message: each ends the process that has sent it, and is in the log");
  }

  void all_at_once() {
    const std::size_t complaints = mailroomd_.log().complaints();
    std::set<pid_t> due = mailroomd_.ended();
    for (const Process& process : mailroomd_.processes()) {
      due.insert(process.pid);
      send(process, {std::string{kNoMessage}});
    }
    expect("all are ended", [&] { return mailroomd_.ended() == due; });
    expect("it says so of each", [&] { return mailroomd_.log().complaints() >= complaints + count_; });
    expect("all are started again", [&] { return is_complete(); });
    report("all processes at once say what is no message: each is ended, and started again");
  }

  // How many complaints are due: the directories of accounts are policyd's to ask for, crashes of connections
  // the listeners' to tell.  That a process is ready, or has lost a channel, anybody may say.
  std::size_t say_twice_if_not_its_own(const Process& process, const std::string& word) {
    const auto message = ipc::decode<ProcessToSupervisor>(word);
    const bool is_a_crash = std::holds_alternative<ConnectionCrashed>(*message);
    const bool is_policyds = std::holds_alternative<MakeAccountDirectories>(*message) ||
                             std::holds_alternative<RemoveAccountDirectory>(*message);
    if ((is_a_crash && is_listener(process.role)) || (is_policyds && process.role == Role::policyd)) return 0;
    for (int i = 0; i < 2; ++i) send(process, {word});
    return is_a_crash || is_policyds ? 2 : 0;
  }

  void requests_of_others() {
    const std::set<pid_t> before = mailroomd_.ended();
    const std::size_t complaints = mailroomd_.log().complaints();
    const std::size_t asked = mailroomd_.directories_asked();
    std::size_t due = 0;
    for (const Process& process : mailroomd_.processes())
      for (const std::string& word : words()) due += say_twice_if_not_its_own(process, word);
    expect("it says so each time", [&] { return mailroomd_.log().complaints() >= complaints + due; });
    if (mailroomd_.directories_asked() != asked) failed("mailroomd was asked for directories");
    if (mailroomd_.ended() != before || !is_complete()) failed("a process was ended, or another started");
    report("messages that are another's to say, and each twice: not heeded, and in the log");
  }

  // mailroomd answers what was not asked, and tells of processes that there never were.
  void unasked_answers() {
    const std::set<pid_t> before = mailroomd_.ended();
    for (const SpawnerToSupervisor& message :
         {SpawnerToSupervisor{ProcessStarted{1}}, SpawnerToSupervisor{NotStarted{EAGAIN}},
          SpawnerToSupervisor{ProcessEnded{1, true, SIGKILL}}, SpawnerToSupervisor{ConnectionsEnded{1, 7}},
          SpawnerToSupervisor{AccountDirectoriesMade{{1}, {2}}}})
      for (int i = 0; i < 2; ++i) send_to(mailroomd_.channel(), {ipc::encode(message)});
    expect("it has heard them", [this] { return is_heard(mailroomd_.channel()); });
    const auto last = newest(Role::logd);
    const pid_t pid = last->pid;
    send(*last, {std::string{kNoMessage}});
    expect("it hears the others", [&] { return mailroomd_.ended().contains(pid) && is_complete(); });
    if (mailroomd_.ended().size() != before.size() + 1) failed("another process was ended");
    report("answers to what it has not asked, and ends of strangers: not heeded");
  }

  void flood(std::size_t volume) {
    constexpr int kBurst = 64;
    const auto flooding = newest(Role::keyd);
    const auto other = newest(Role::stsd);
    const pid_t other_pid = other->pid;
    const std::string word = words().back();
    std::size_t sent = 0;
    const auto pour = [&] {
      for (int i = 0; i < kBurst && send_packet(flooding->control.get(), word, {}) == 0; ++i) ++sent;
    };
    expect("it takes a flood", [&] { return pour(), sent >= volume; });
    const auto begin = Clock::now();
    send(*other, {std::string{kNoMessage}});
    expect("another is heard", [&] { return pour(), mailroomd_.ended().contains(other_pid); });
    const auto wait = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
    if (wait > kMostWait) failed("the others wait " + std::to_string(wait.count()) + " ms");
    expect("it is started again", [&] { return is_complete(); });
    report("a flood: another is heard within a second");
  }

  // A process ends while somebody else who has its end of the channel goes on speaking there.
  void last_words() {
    const pid_t supervisor = mailroomd_.supervisor().pid();
    const std::size_t asked = mailroomd_.directories_asked();
    const auto ending = newest(Role::policyd);
    ::setsockopt(ending->control.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kHugeSendBuffer, sizeof kHugeSendBuffer);
    ::kill(supervisor, SIGSTOP);
    const std::string word = ipc::encode(ProcessToSupervisor{RemoveAccountDirectory{1}});
    for (std::size_t i = 0; i < kLeftBehind; ++i)
      if (send_packet(ending->control.get(), word, {}) != 0) throw std::runtime_error("no room for a flood");
    const Fd left = mailroomd_.end_by_itself(ending);
    ::kill(supervisor, SIGCONT);
    expect("it closes the channel of who has ended",
           [&] { return send_packet(left.get(), word, {}) == EPIPE; });
    expect("another is started", [&] { return is_complete(); });
    if (mailroomd_.directories_asked() > asked + kMostHeardOfIt)
      failed("it heard " + std::to_string(mailroomd_.directories_asked() - asked) +
             " messages of who has ended");
    report("of who has ended it hears no more than a socket holds");
  }

  void expect(const std::string& what, const std::function<bool()>& condition) {
    if (!mailroomd_.serve_until(condition)) failed("never: " + what);
  }
  void failed(const std::string& why) {
    findings_.failed(why);
    if (!mailroomd_.supervisor().lives())
      throw std::runtime_error("the supervisor has ended: " + why + "\n" + mailroomd_.log().last_words());
  }

  Mailroomd& mailroomd_;
  const Fd null_;
  std::size_t count_ = 0;
  std::size_t descriptors_ = 0;
  Findings findings_;
};

// Each is the end of a supervisor, so that they are few.
std::vector<Packet> broken_forms_of_mailroomd() {
  const std::string ended = ipc::encode(SpawnerToSupervisor{ProcessEnded{1, true, SIGKILL}});
  std::string oversized = ended;
  oversized.resize(ipc::kMaxPacket + 1);
  return {{std::string{kNoMessage}},
          {ended.substr(0, ended.size() - 1)},
          {ended + '\0'},
          {oversized},
          {ended, 1},
          {ended, kMostDescriptors},
          {ipc::encode(SpawnerToSupervisor{ProcessStarted{1}}), 1}};
}

int run(int words, char** word) {
  if (words != 3) throw std::runtime_error("usage: hostile_processes CONFIG FLOOD");
  std::size_t volume = 0;
  std::from_chars(word[2], word[2] + std::strlen(word[2]), volume);
  const auto config = load_configuration(word[1]);
  if (!config) return 1;
  {
    Mailroomd mailroomd{*config, word[1]};
    Assault{mailroomd}.run(volume);
  }
  for (const Packet& packet : broken_forms_of_mailroomd()) {
    Mailroomd mailroomd{*config, word[1]};
    Assault assault{mailroomd};
    assault.end_by(packet);
    assault.report("mailroomd says what is no message: it ends in order, " + described(packet));
  }
  return 0;
}

}  // namespace
}  // namespace mailroom::test

int main(int words, char** word) {
  return mailroom::test::report_end("hostile_processes", [&] { return mailroom::test::run(words, word); });
}
