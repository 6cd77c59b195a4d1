#include "tests/breach/attacker.h"

#include <linux/audit.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace breach {
namespace {

constexpr std::size_t kDataSize = 65536;

// Names of the Unix sockets that there are, as /proc/PID/fd has them.
std::set<std::string> unix_sockets(const std::string& process) {
  std::set<std::string> names;
  std::ifstream table{process + "/net/unix"};
  for (std::string line; std::getline(table, line);) {
    std::istringstream words{line};
    std::string number, skipped, inode;
    words >> number >> skipped >> skipped >> skipped >> skipped >> skipped >> inode;
    names.insert("socket:[" + inode + "]");
  }
  return names;
}

std::vector<Descriptor> descriptors_of(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  const std::set<std::string> local = unix_sockets(process);
  std::vector<Descriptor> found;
  for (const auto& entry : std::filesystem::directory_iterator{process + "/fd"}) {
    std::error_code error;
    const std::string name = std::filesystem::read_symlink(entry.path(), error);
    found.push_back(
        {std::stoi(entry.path().filename()), name, name.starts_with("socket:") && !local.contains(name)});
  }
  return found;
}

}  // namespace

Attacker::Attacker(Tracee& tracee, const Surroundings& surroundings)
    : tracee_{tracee}, around_{surroundings}, descriptors_{descriptors_of(tracee.pid())} {}

long Attacker::call(long number, Arguments arguments) {
  seccomp_data asked{static_cast<int>(number), AUDIT_ARCH_X86_64, 0, {}};
  std::copy(arguments.begin(), arguments.end(), std::begin(asked.args));
  if (answer_of(tracee_.filters(), asked) == FilterAnswer::ends_process) {
    ended_ = true;
    return -EKEYREJECTED;
  }
  const long result = tracee_.call(number, arguments);
  if (tracee_.is_dead()) throw std::runtime_error("the process ended by call " + std::to_string(number));
  return result;
}

long Attacker::call_as(std::uint32_t architecture, long number) {
  const FilterAnswer answer = answer_of(tracee_.filters(), {static_cast<int>(number), architecture, 0, {}});
  ended_ |= answer == FilterAnswer::ends_process;
  return answer == FilterAnswer::allowed ? 0 : -EKEYREJECTED;
}

bool Attacker::opens(long number, Arguments arguments) {
  const long fd = call(number, arguments);
  if (fd >= 0) call(SYS_close, {static_cast<std::uint64_t>(fd)});
  return fd >= 0;
}

std::uint64_t Attacker::data(std::string_view bytes) {
  if (used_ + bytes.size() > kDataSize) throw std::runtime_error("too much data for one primitive");
  const std::uint64_t at = tracee_.scratch() + used_;
  tracee_.write(at, bytes);
  used_ += (bytes.size() + 15) / 16 * 16;
  return at;
}

std::vector<int> Attacker::sockets() const {
  std::vector<int> found;
  for (const Descriptor& each : descriptors_)
    if (each.name.starts_with("socket:")) found.push_back(each.number);
  return found;
}

std::vector<int> Attacker::network_sockets() const {
  std::vector<int> found;
  for (const Descriptor& each : descriptors_)
    if (each.is_network) found.push_back(each.number);
  return found;
}

std::vector<int> Attacker::memory_files() const {
  std::vector<int> found;
  for (const Descriptor& each : descriptors_)
    if (each.name.starts_with("/memfd:")) found.push_back(each.number);
  return found;
}

bool Attacker::in_copy(const std::function<bool(Attacker&)>& act) {
  bool result = false;
  tracee_.in_copy([&](Tracee& copy) {
    Attacker inside{copy, around_};
    inside.used_ = used_;
    result = act(inside);
    ended_ |= inside.ended_;
  });
  return result;
}

}  // namespace breach
