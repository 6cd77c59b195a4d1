#include "libcommon/sys/jail.h"

#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libcommon/sys/fatal.h"
#include "libcommon/sys/fd.h"

namespace mailroom {
namespace {

// Newer than the headers of Debian 12 (linux 6.1).
constexpr int kPrSetMdwe = 65;                         // PR_SET_MDWE, Linux 6.3
constexpr unsigned long kMdweRefuseExecGain = 1;       // PR_MDWE_REFUSE_EXEC_GAIN
constexpr std::uint64_t kLandlockNetBindTcp = 1 << 0;  // Landlock 4, Linux 6.7
constexpr std::uint64_t kLandlockNetConnectTcp = 1 << 1;
constexpr std::uint64_t kLandlockScopeAbstract = 1 << 0;  // Landlock 6, Linux 6.12
constexpr std::uint64_t kLandlockScopeSignal = 1 << 1;

constexpr int kLandlockRuleNetPort = 2;  // LANDLOCK_RULE_NET_PORT

struct LandlockNetPort {  // struct landlock_net_port_attr
  std::uint64_t allowed_access;
  std::uint64_t port;
};

struct LandlockRuleset {  // struct landlock_ruleset_attr as of Landlock 6
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};

constexpr std::uint64_t kLandlockFiles = (1ULL << 13) - 1;          // the access rights of Landlock 1
constexpr std::uint64_t kLandlockRefer = LANDLOCK_ACCESS_FS_REFER;  // Landlock 2
constexpr std::uint64_t kLandlockTruncate = 1ULL << 14;             // Landlock 3
constexpr std::uint64_t kLandlockPut = LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                       LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

constexpr std::uint64_t kLandlockRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

std::uint64_t landlock_rights(FileAccess access, std::uint64_t all) {
  switch (access) {
  case FileAccess::all:
    return all;
  case FileAccess::put:
    return kLandlockPut;
  case FileAccess::read:
    return kLandlockRead;
  }
  return 0;
}

// 0: the kernel was built without it, or it is switched off.  Any other error is no answer.
int landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 0 && errno != ENOSYS && errno != EOPNOTSUPP) fatal_errno("landlock_create_ruleset");
  return version < 0 ? 0 : static_cast<int>(version);
}

void lower(int resource, rlim_t wanted) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) fatal_errno("getrlimit");
  limit.rlim_cur = limit.rlim_max = std::min(wanted, limit.rlim_max);
  if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) fatal_errno("setrlimit");
}

void allow_connections(int ruleset, const std::vector<std::uint16_t>& ports) {
  for (const std::uint16_t port : ports) {
    const LandlockNetPort rule{kLandlockNetConnectTcp, port};
    if (::syscall(SYS_landlock_add_rule, ruleset, kLandlockRuleNetPort, &rule, 0) != 0)
      fatal_errno("landlock_add_rule");
  }
}

}  // namespace

void close_from(int first) {
  if (::close_range(static_cast<unsigned>(first), ~0U, 0) != 0) fatal_errno("close_range");
}

void set_no_new_privs() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fatal_errno("PR_SET_NO_NEW_PRIVS");
}

void set_not_dumpable() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) fatal_errno("PR_SET_DUMPABLE");
  lower(RLIMIT_CORE, 0);
  ::prctl(kPrSetMdwe, kMdweRefuseExecGain, 0, 0, 0);  // optional: Linux 6.3
}

void set_limits(const ResourceLimits& limits) {
  lower(RLIMIT_NOFILE, limits.open_files);
  lower(RLIMIT_NPROC, limits.processes);
  if (limits.address_space != 0) lower(RLIMIT_AS, limits.address_space);
}

void forbid_forks() {
  constexpr rlimit kNone{0, 0};
  if (::setrlimit(RLIMIT_NPROC, &kNone) != 0) fatal_errno("setrlimit");
}

int restrict_files_to(const std::vector<Reachable>& directories, const Network& network) {
  const int version = landlock_version();
  if (version == 0) return 0;
  std::uint64_t files = kLandlockFiles;
  if (version >= 2) files |= kLandlockRefer;
  if (version >= 3) files |= kLandlockTruncate;
  const std::uint64_t tcp =
      (network.listens ? 0 : kLandlockNetBindTcp) | (network.any_port ? 0 : kLandlockNetConnectTcp);
  const LandlockRuleset rules{files, version >= 4 ? tcp : 0,
                              version >= 6 ? kLandlockScopeAbstract | kLandlockScopeSignal : 0};
  const std::size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  const Fd ruleset{static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size, 0))};
  if (!ruleset) fatal_errno("landlock_create_ruleset");
  for (const Reachable& reachable : directories) {
    const landlock_path_beneath_attr beneath{landlock_rights(reachable.access, files), reachable.directory};
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
      fatal_errno("landlock_add_rule");
  }
  if (version >= 4 && !network.any_port) allow_connections(ruleset.get(), network.ports);
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) fatal_errno("landlock_restrict_self");
  return version;
}

std::vector<std::string> missing_kernel_features() {
  std::vector<std::string> missing;
  const int version = landlock_version();
  if (version == 0) missing.emplace_back("Landlock (Linux 5.13, in the lsm= list)");
  if (version > 0 && version < 4) missing.emplace_back("Landlock rules for TCP (Linux 6.7)");
  if (version > 0 && version < 6)
    missing.emplace_back("Landlock scopes for signals and abstract sockets (Linux 6.12)");
  // Asking for an unknown flag tells without changing anything: EINVAL is "known, but not like this".
  if (::prctl(kPrSetMdwe + 1, 0, 0, 0, 0) < 0 && errno == EINVAL)
    missing.emplace_back("PR_SET_MDWE (Linux 6.3)");
  return missing;
}

bool has_mandatory_features() {
  const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0 &&
         ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) >= 0;
}

}  // namespace mailroom
