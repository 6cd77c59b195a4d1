#include "libcommon/sys/become.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "libcommon/sys/fatal.h"

namespace mailroom {
namespace {

constexpr CapabilityMask bit(int capability) { return CapabilityMask{1} << capability; }

void set_capabilities(CapabilityMask mask) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (int i = 0; i < 2; ++i)
    data[i].effective = data[i].permitted = static_cast<std::uint32_t>(mask >> (32 * i));
  if (::syscall(SYS_capset, &header, data) != 0) fatal_errno("capset");
}

void reduce_bounding_set(CapabilityMask keep) {
  for (int capability = 0;; ++capability) {
    const int held = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (held < 0 && errno != EINVAL) fatal_errno("PR_CAPBSET_READ");
    if (held < 0) return;  // past the last capability that this kernel knows
    if (held == 1 && (keep & bit(capability)) == 0 && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
      fatal_errno("PR_CAPBSET_DROP");
  }
}

void set_ids(uid_t uid) {
  if (::setgroups(0, nullptr) != 0) fatal_errno("setgroups");
  if (::setresgid(uid, uid, uid) != 0) fatal_errno("setresgid");
  if (::setresuid(uid, uid, uid) != 0) fatal_errno("setresuid");
}

void check_ids(uid_t uid) {
  uid_t real = 0, effective = 0, saved = 0;
  if (::getresuid(&real, &effective, &saved) != 0 || real != uid || effective != uid || saved != uid)
    fatal("the uid did not change");
  if (::setresuid(0, 0, 0) == 0) fatal("the old uid could be taken back");
}

// setfsuid and setfsgid report no errors: ask what holds now.
void check_fs_ids(uid_t uid) {
  constexpr auto kNoChange = static_cast<uid_t>(-1);
  if (static_cast<uid_t>(::setfsuid(kNoChange)) != uid) fatal("setfsuid refused");
  if (static_cast<gid_t>(::setfsgid(kNoChange)) != uid) fatal("setfsgid refused");
}

}  // namespace

const CapabilityMask kListenerCapabilities = bit(CAP_SETUID) | bit(CAP_SETGID) | bit(CAP_SYS_CHROOT);
const CapabilityMask kDeliverCapabilities = bit(CAP_SETUID) | bit(CAP_SETGID);
const CapabilityMask kSupervisorCapabilities = bit(CAP_DAC_READ_SEARCH) | bit(CAP_NET_BIND_SERVICE);

namespace {

// `bounding` for good, `keep` for the time being.
void become_with(uid_t uid, CapabilityMask bounding, CapabilityMask keep) {
  reduce_bounding_set(bounding);
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    fatal_errno("PR_CAP_AMBIENT_CLEAR_ALL");
  // A program started by exec gets no rights for being root; and nothing may loosen that again.
  if (::prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0) != 0)
    fatal_errno("PR_SET_SECUREBITS");
  if (uid == 0) {
    if (::setgroups(0, nullptr) != 0) fatal_errno("setgroups");
    set_capabilities(keep);
    return;
  }
  if (keep != kNoCapabilities && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) fatal_errno("PR_SET_KEEPCAPS");
  set_ids(uid);
  set_capabilities(keep);
  if (keep == kNoCapabilities) check_ids(uid);
}

}  // namespace

void become(uid_t uid, CapabilityMask keep) { become_with(uid, keep, keep); }

void become_to_enter(uid_t uid, CapabilityMask keep) { become_with(uid, keep, keep | bit(CAP_SYS_CHROOT)); }

void become_entered(uid_t uid, CapabilityMask keep) {
  set_capabilities(keep);
  if (keep == kNoCapabilities) check_ids(uid);
}

void become_in_child(uid_t uid) {
  if (uid == 0) fatal("a child must not stay root");
  set_ids(uid);  // leaving uid 0 clears all capabilities
  check_ids(uid);
}

void enter_root(int directory) {
  if (::fchdir(directory) != 0) fatal_errno("fchdir");
  if (::chroot(".") != 0) fatal_errno("chroot");
  if (::chdir("/") != 0) fatal_errno("chdir");
}

void become_account_in(int directory, uid_t uid) {
  if (uid == 0) fatal("an account must not be root");
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) fatal_errno("PR_SET_KEEPCAPS");
  set_ids(uid);
  set_capabilities(bit(CAP_SYS_CHROOT));
  enter_root(directory);
  set_capabilities(kNoCapabilities);
  check_ids(uid);
}

FsIdentity::FsIdentity(uid_t uid) : previous_{static_cast<uid_t>(::setfsuid(uid))} {
  ::setfsgid(uid);
  check_fs_ids(uid);
}

FsIdentity::~FsIdentity() {
  ::setfsgid(previous_);
  ::setfsuid(previous_);
  check_fs_ids(previous_);
}

}  // namespace mailroom
