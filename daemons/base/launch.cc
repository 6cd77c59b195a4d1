#include "daemons/base/launch.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "daemons/log.h"
#include "libcommon/ipc/codec.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/jail.h"

namespace mailroom {
namespace {

// By mapping it: the file's offset is shared with the other processes that get the same block, and a new
// configuration is read behind the filter, which knows neither fstat nor pread in every process.
std::string read_whole(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (size <= 0) fatal("started by hand: mailroomd starts this program");
  void* const mapped = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ, MAP_PRIVATE, fd, 0);
  if (mapped == MAP_FAILED) fatal_errno("mmap of what it was started with");
  std::string bytes{static_cast<const char*>(mapped), static_cast<std::size_t>(size)};
  ::munmap(mapped, static_cast<std::size_t>(size));
  return bytes;
}

uid_t uid_of(const Warrant& warrant) {
  if (process_row(warrant.role).identity == Identity::listener) return 0;
  return warrant.uids.daemons + uid_number(warrant.role);
}

CapabilityMask capabilities_of(Identity identity) {
  if (identity == Identity::listener) return kListenerCapabilities;
  if (identity == Identity::deliver) return kDeliverCapabilities;
  return kNoCapabilities;
}

Warrant read_warrant(Role role) {
  auto warrant = ipc::decode<Warrant>(read_whole(kWarrantFd));
  if (!warrant) fatal("the warrant does not decode: mailroomd is of another version");
  const ProcessRow& row = process_row(warrant->role);
  if (row.program != process_row(role).program) fatal("the warrant is for another program");
  ::close(kWarrantFd);
  return std::move(*warrant);
}

void check_uids(const Config& config, const Warrant& warrant) {
  if (config.uids != warrant.uids) fatal("the supervisor says other uids than mailroomd");
}

// Those that mailroomd has given, its root directory among them, are not the supervisor's to name: what takes
// one would close it, and something else have its number.
void check_descriptors(const LaunchBlock& block) {
  const auto is_mailroomds = [](const PassedDescriptor& passed) { return passed.fd < kFirstPassedFd; };
  if (std::ranges::any_of(block.descriptors, is_mailroomds))
    fatal("the supervisor names a descriptor that it has not passed");
}

}  // namespace

Fd PassedDescriptors::take(const std::string& name) {
  const auto found = std::ranges::find(descriptors_, name, &PassedDescriptor::name);
  if (found == descriptors_.end()) return Fd{};
  return Fd{std::exchange(found->fd, -1)};
}

Launch read_launch(Role role) {
  const Warrant warrant = read_warrant(role);
  if (!warrant.unprivileged)
    become_to_enter(uid_of(warrant), capabilities_of(process_row(warrant.role).identity));
  auto block = ipc::decode<LaunchBlock>(read_whole(kLaunchFd));
  if (!block) fatal("the launch block does not decode: the supervisor is of another version");
  ::close(kLaunchFd);
  check_uids(block->config, warrant);
  check_descriptors(*block);
  return {warrant, std::move(*block)};
}

Config read_config(int fd, const Warrant& warrant) {
  auto config = ipc::decode<Config>(read_whole(fd));
  if (!config) fatal("the configuration block does not decode");
  check_uids(*config, warrant);
  return std::move(*config);
}

void set_up_process(const Launch& launch) {
  for (const int ignored : {SIGPIPE, SIGINT, SIGHUP}) ::signal(ignored, SIG_IGN);
  ::umask(077);
  log::set_up({.fd = STDERR_FILENO, .level = launch.config.log.level});
}

void enter_jail(const Launch& launch, int also_reachable) {
  const ProcessRow& row = process_row(launch.role);
  const Fd root{kRootFd};
  if (launch.unprivileged) {
    if (::fchdir(root.get()) != 0) fatal_errno("fchdir");
  } else {
    enter_root(root.get());
  }
  set_no_new_privs();
  std::vector<Reachable> reachable;
  const FileAccess access = row.calls == Calls::deliver ? FileAccess::put : FileAccess::all;
  if (row.root != Root::empty) reachable.push_back({root.get(), access});
  if (also_reachable >= 0) reachable.push_back({also_reachable, FileAccess::all});
  restrict_files_to(reachable, {.any_port = launch.any_port, .ports = launch.ports});
  if (!launch.unprivileged) become_entered(uid_of(launch), capabilities_of(row.identity));
  set_not_dumpable();
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fatal_errno("PR_SET_PDEATHSIG");
}

SystemCallFilter filter_of(Calls calls, const UidConfig& uids) {
  using enum CallSet;
  const UidRange logins{uids.login, uids.login + uids.login_count - 1};
  const UidRange accounts{uids.accounts, uids.accounts + uids.accounts_count - 1};
  const UidRange own{::geteuid(), ::geteuid()};
  switch (calls) {
  case Calls::server:
    return SystemCallFilter{basic, accept};
  case Calls::storage:
    return SystemCallFilter{basic, accept, files};
  case Calls::queue:
    return SystemCallFilter{basic, accept, files, memory_files, make_sockets};
  case Calls::deliver:
    return SystemCallFilter{{basic, files, fs_identity}, {accounts, own}};
  case Calls::listener:
    return SystemCallFilter{{basic, accept, memory_files, make_sockets, fork, identity}, {logins}};
  case Calls::session_listener:
    return SystemCallFilter{{basic, accept, files, memory_files, watch, make_sockets, fork, identity, enter},
                            {logins, accounts}};
  case Calls::relay:
    return SystemCallFilter{{basic, make_sockets, fork, identity, connect}, {logins}};
  case Calls::kdc:
    return SystemCallFilter{basic, files, internet};
  case Calls::resolver:
    return SystemCallFilter{basic, internet};
  case Calls::spawner:
  case Calls::supervisor:
    break;
  }
  fatal("a launch block for a process that has none");
}

void close_jail(const Launch& launch) {
  const ProcessRow& row = process_row(launch.role);
  set_limits({.open_files = row.open_files, .processes = row.processes});
  filter_of(row.calls, launch.uids).install();
}

}  // namespace mailroom
