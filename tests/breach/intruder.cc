// Takes over a running process from outside and tries every primitive in it.
//
//   intruder PLACE PID [KEY=VALUE...]    compares with daemons/process_walls.h: lines "ok - ..." and
//                                        "not ok - ..."
//   intruder --show PID [KEY=VALUE...]   lines "PRIMITIVE works", "... refused" or "... ends"
//   intruder --control DIRECTORY [KEY=VALUE...]    tries every primitive in a process without walls
//   (unwalled.h), a fresh one for
//                                        each: each must work there, but those of kNotShown
//   intruder --offend PID                breaks the rules on each of its channels but mailroomd's
//   intruder --count                     "PRIMITIVES PLACES REFUSED": how many combinations the table refuses
//
// Keys: file, directory (repeated), account, message, account-uid, daemon-uid, supervisor (Surroundings in
// attacker.h).  Needs root.
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "daemons/daemon.h"
#include "daemons/process_walls.h"
#include "tests/breach/primitives.h"
#include "tests/breach/unwalled.h"

namespace breach {
namespace {

using mailroom::kWalls;
using mailroom::Place;
using mailroom::Refusal;
using mailroom::WallRow;

enum class Outcome { works, refused, ends };
constexpr const char* kOutcomeNames[] = {"works", "refused", "ends"};
const char* name_of(Outcome outcome) { return kOutcomeNames[static_cast<int>(outcome)]; }

std::vector<Primitive> all_primitives() {
  std::vector<Primitive> all;
  for (const auto& group : {file_primitives(), identity_primitives(), process_primitives(),
                            memory_primitives(), network_primitives(), kernel_primitives()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

void set(Surroundings& around, const std::string& key, const std::string& value) {
  if (key == "file") return around.files.push_back(value);
  if (key == "directory") return around.directories.push_back(value);
  if (key == "account") return void(around.account = value);
  if (key == "message") return void(around.message = value);
  if (key == "account-uid") return void(around.account_uid = std::stoull(value));
  if (key == "daemon-uid") return void(around.daemon_uid = std::stoull(value));
  if (key == "supervisor") return void(around.supervisor = std::stoull(value));
  throw std::runtime_error("no such key: " + key);
}

Surroundings surroundings_from(int count, char** words) {
  Surroundings around;
  for (int i = 0; i < count; ++i) {
    const std::string word = words[i];
    const std::size_t equals = word.find('=');
    set(around, word.substr(0, equals), equals == std::string::npos ? "" : word.substr(equals + 1));
  }
  if (around.files.empty() || around.directories.empty() || around.supervisor == 0)
    throw std::runtime_error("file, directory and supervisor are needed");
  return around;
}

// In a process that may do everything, the primitives would do it.
void refuse_the_almighty(pid_t pid) {
  constexpr unsigned kSysAdmin = 21;
  std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("CapEff:") && (std::stoull(line.substr(7), nullptr, 16) >> kSysAdmin & 1) == 0)
      return;
  throw std::runtime_error("not in a process that is gone or may administer the system");
}

Outcome attempt(Attacker& attacker, const Primitive& primitive) {
  attacker.begin_anew();
  attacker.forget_data();
  if (primitive.works(attacker)) return Outcome::works;
  return attacker.was_ended() ? Outcome::ends : Outcome::refused;
}

bool matches(Outcome outcome, const WallRow& row, Place place) {
  if (row.works_in.contains(place)) return outcome == Outcome::works;
  if (row.refusal == Refusal::either) return outcome != Outcome::works;
  return outcome == (row.refusal == Refusal::ends ? Outcome::ends : Outcome::refused);
}

std::string expected(const WallRow& row, Place place) {
  if (row.works_in.contains(place)) return "works";
  return row.refusal == Refusal::ends    ? "ends"
         : row.refusal == Refusal::error ? "refused"
                                         : "refused or ends";
}

int show(pid_t pid, const Surroundings& around) {
  Tracee tracee{pid};
  Attacker attacker{tracee, around};
  for (const Primitive& primitive : all_primitives())
    std::printf("%s %s\n", std::string{primitive.name}.c_str(), name_of(attempt(attacker, primitive))),
        std::fflush(stdout);
  return 0;
}

int compare(Place place, pid_t pid, const Surroundings& around) {
  Tracee tracee{pid};
  Attacker attacker{tracee, around};
  std::string differences;
  std::size_t refused = 0;
  for (const Primitive& primitive : all_primitives()) {
    const WallRow* row = mailroom::wall_row(primitive.name);
    if (row == nullptr) throw std::runtime_error("not in process_walls.h: " + std::string{primitive.name});
    const Outcome outcome = attempt(attacker, primitive);
    refused += outcome != Outcome::works;
    if (!matches(outcome, *row, place))
      differences += "# " + std::string{primitive.name} + ": " + name_of(outcome) + ", the table says " +
                     expected(*row, place) + "\n";
  }
  std::printf("%s - %s: %zu of %zu primitives do not work, as the table says\n%s",
              differences.empty() ? "ok" : "not ok", std::string{mailroom::place_name(place)}.c_str(),
              refused, all_primitives().size(), differences.c_str());
  return 0;
}

// What a process without walls may not do either, or which this machine may be without.
struct NotShown {
  std::string_view primitive;
  const char* reason;
};
constexpr NotShown kNotShown[] = {
    {"modules", "it would change the machine"},
    {"accounting", "but for quotas, of which the kernel may know nothing, it would change the machine"},
    {"io-uring", "kernel.io_uring_disabled"},
    {"user-page-faults", "the kernel may have been built without"},
    {"performance-events", "the kernel may have been built without"},
    {"secret-memory", "secretmem.enable"},
    {"connect-by-sending", "net.ipv4.tcp_fastopen"},
};
const NotShown* not_shown(std::string_view primitive) {
  const auto* const found = std::ranges::find(kNotShown, primitive, &NotShown::primitive);
  return found == std::end(kNotShown) ? nullptr : found;
}

// What is called the supervisor there is another process without walls.
Outcome attempt_unwalled(const Primitive& primitive, Surroundings around, const std::string& directory) {
  const Unwalled other{directory}, process{directory};
  around.supervisor = static_cast<std::uint64_t>(other.pid());
  Tracee tracee{process.pid()};
  Attacker attacker{tracee, around};
  const Outcome outcome = attempt(attacker, primitive);
  tracee.abandon();
  return outcome;
}

int control(const std::string& directory, const Surroundings& around) {
  for (const Primitive& primitive : all_primitives()) {
    const std::string name{primitive.name};
    const bool works = attempt_unwalled(primitive, around, directory + "/" + name) == Outcome::works;
    const NotShown* const excuse = works ? nullptr : not_shown(name);
    std::printf("%s - %s works where there is no wall%s%s\n", works || excuse != nullptr ? "ok" : "not ok",
                name.c_str(), excuse != nullptr ? " # SKIP " : "", excuse != nullptr ? excuse->reason : "");
    std::fflush(stdout);
  }
  return 0;
}

// What no receiver can decode, as the process itself would send it.
int offend(pid_t pid) {
  Tracee tracee{pid};
  const Surroundings nothing;
  Attacker attacker{tracee, nothing};
  const auto network = attacker.network_sockets();
  constexpr std::string_view kJunk = "\xff\xff\xff\xff";
  int channels = 0;
  for (const int fd : attacker.sockets())
    if (fd != mailroom::kControlFd && std::ranges::find(network, fd) == network.end() &&
        attacker.succeeds(SYS_sendto, {static_cast<std::uint64_t>(fd), attacker.data(kJunk), kJunk.size(),
                                       MSG_NOSIGNAL | MSG_DONTWAIT}))
      ++channels;
  std::printf("%d\n", channels);
  return channels > 0 ? 0 : 1;
}

int count() {
  std::size_t refused = 0;
  for (const WallRow& row : kWalls)
    for (const Place place : mailroom::kPlaces) refused += !row.works_in.contains(place);
  std::printf("%zu %zu %zu\n", std::size(kWalls), std::size(mailroom::kPlaces), refused);
  return all_primitives().size() == std::size(kWalls) ? 0 : 1;
}

int list_secrets() {
  for (const mailroom::SecretRow& row : mailroom::kSecrets) {
    std::printf("%s", std::string{row.secret}.c_str());
    for (const Place place : mailroom::kPlaces)
      if (row.holders.contains(place)) std::printf(" %s", std::string{mailroom::place_name(place)}.c_str());
    std::printf("\n");
  }
  return 0;
}

int run(int words, char** word) {
  const std::string verb = words > 1 ? word[1] : "";
  if (verb == "--count") return count();
  if (verb == "--secrets") return list_secrets();
  if (words < 3)
    throw std::runtime_error(
        "usage: intruder PLACE|--show PID KEY=VALUE... | --control DIRECTORY KEY=VALUE... | "
        "--offend PID | --secrets | --count");
  if (verb == "--control") return control(word[2], surroundings_from(words - 3, word + 3));
  const auto pid = static_cast<pid_t>(std::atoi(word[2]));
  refuse_the_almighty(pid);
  if (verb == "--offend") return offend(pid);
  const Surroundings around = surroundings_from(words - 3, word + 3);
  if (verb == "--show") return show(pid, around);
  const auto place = mailroom::place_of(verb);
  if (!place) throw std::runtime_error("no such place: " + verb);
  return compare(*place, pid, around);
}

}  // namespace
}  // namespace breach

int main(int words, char** word) {
  try {
    return breach::run(words, word);
  } catch (const std::exception& error) {
    std::printf("not ok - intruder: %s\n", error.what());
    return 2;
  }
}
