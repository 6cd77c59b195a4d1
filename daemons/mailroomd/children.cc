#include "daemons/mailroomd/children.h"

#include <sys/wait.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

namespace mailroom {
namespace {

using namespace std::chrono_literals;

constexpr auto kHaltStep = 1ms;
constexpr int kHaltSteps = 100;

// Of a process whose parent it is, from /proc/PID/status.
std::optional<Child> child_in(pid_t pid, pid_t parent, std::istream& status) {
  Child child{pid, 0};
  pid_t found = 0;
  for (std::string line; std::getline(status, line);) {
    std::istringstream words{line};
    std::string key;
    words >> key;
    if (key == "PPid:") words >> found;
    if (key == "Uid:") words >> child.uid;
  }
  if (found != parent) return std::nullopt;
  return child;
}

// A process that has been told to halt does so at once, unless the disk holds it.
void halt(pid_t pid) {
  ::kill(pid, SIGSTOP);
  siginfo_t info{};
  for (int step = 0; step < kHaltSteps; ++step) {
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WEXITED | WNOWAIT | WNOHANG) != 0 ||
        info.si_pid != 0)
      return;
    std::this_thread::sleep_for(kHaltStep);
  }
}

}  // namespace

std::vector<Child> children_of(pid_t parent) {
  std::vector<Child> children;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc", ignored}) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{}) continue;
    std::ifstream status{entry.path() / "status"};  // gone by now, perhaps
    if (const auto child = child_in(pid, parent, status)) children.push_back(*child);
  }
  return children;
}

std::size_t kill_children(pid_t listener, Whose whose, uid_t first, uid_t count) {
  halt(listener);
  std::size_t killed = 0;
  for (const Child& child : children_of(listener)) {
    if (whose == Whose::logins && (child.uid < first || child.uid - first >= count)) continue;
    ::kill(child.pid, SIGKILL);
    ++killed;
  }
  ::kill(listener, SIGCONT);
  return killed;
}

}  // namespace mailroom
