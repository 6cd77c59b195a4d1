// Uids, groups and capabilities.  Numbers are also tried with high octets that the kernel cuts off and a
// filter may not.
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/breach/primitives.h"

namespace breach {
namespace {

constexpr std::uint64_t kCutOff = 1ULL << 32;
constexpr std::uint64_t kNoChange = 0xffffffff;

bool is_root(Attacker& attacker) { return attacker.call(SYS_geteuid) == 0; }

// Also what a call leaves behind that says it failed.
bool becomes(Attacker& attacker, std::uint64_t uid) {
  return attacker.in_copy([uid](Attacker& copy) {
    for (const std::uint64_t number : {uid, uid | kCutOff})
      if (copy.succeeds(SYS_setresuid, {number, number, number}) ||
          copy.succeeds(SYS_setreuid, {number, number}) || copy.succeeds(SYS_setuid, {number}))
        return true;
    return false;
  });
}

bool become_root(Attacker& attacker) {
  if (is_root(attacker)) return becomes(attacker, 0);
  for (const std::uint64_t zero : {std::uint64_t{0}, kCutOff}) {
    attacker.call(SYS_setresuid, {zero, zero, zero});
    attacker.call(SYS_setreuid, {zero, zero});
    attacker.call(SYS_setuid, {zero});
  }
  return is_root(attacker);
}

bool become_daemon(Attacker& attacker) { return becomes(attacker, attacker.around().daemon_uid); }
bool become_account(Attacker& attacker) { return becomes(attacker, attacker.around().account_uid); }

bool takes_files_as(Attacker& attacker, std::uint64_t uid) {
  const long before = attacker.call(SYS_setfsuid, {uid});
  if (before < 0) return false;
  // It reports no error, but what held before.
  const bool taken = attacker.call(SYS_setfsuid, {static_cast<std::uint64_t>(before)}) ==
                         static_cast<long>(uid & kNoChange) &&
                     before != static_cast<long>(uid & kNoChange);
  return taken;
}

bool files_as_root(Attacker& attacker) {
  return takes_files_as(attacker, 0) || takes_files_as(attacker, kCutOff);
}
bool files_as_daemon(Attacker& attacker) {
  const std::uint64_t uid = attacker.around().daemon_uid;
  return takes_files_as(attacker, uid) || takes_files_as(attacker, uid | kCutOff);
}
bool files_as_account(Attacker& attacker) { return takes_files_as(attacker, attacker.around().account_uid); }
// Beyond the uids of accounts: people who log in to the machine by other means.
bool files_as_nobody_of_ours(Attacker& attacker) { return takes_files_as(attacker, 0xfffffff0); }

bool set_groups(Attacker& attacker) {
  const gid_t groups[] = {0, 42};
  const std::uint64_t list = attacker.object(groups);
  const auto sets = [list](Attacker& a) { return a.succeeds(SYS_setgroups, {2, list}); };
  return attacker.in_copy(sets) || sets(attacker);
}

bool become_group_root(Attacker& attacker) {
  const auto sets = [](Attacker& a) {
    for (const std::uint64_t zero : {std::uint64_t{0}, kCutOff})
      if (a.call(SYS_getgid) != 0 &&
          (a.succeeds(SYS_setresgid, {zero, zero, zero}) || a.succeeds(SYS_setgid, {zero})))
        return true;
    return false;
  };
  return attacker.in_copy(sets) || sets(attacker);
}

// A capability that nobody has.
bool gain_capabilities(Attacker& attacker) {
  const __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct wanted[2]{};
  for (auto& half : wanted) half.effective = half.permitted = half.inheritable = 0xffffffff;
  return attacker.succeeds(SYS_capset, {attacker.object(header), attacker.object(wanted)}) ||
         attacker.succeeds(SYS_prctl, {PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0});
}

bool loosen_securebits(Attacker& attacker) {
  return attacker.succeeds(SYS_prctl, {PR_SET_SECUREBITS, 0, 0, 0, 0});
}

bool become_dumpable(Attacker& attacker) {
  const bool done = attacker.succeeds(SYS_prctl, {PR_SET_DUMPABLE, 1, 0, 0, 0});
  if (done) attacker.call(SYS_prctl, {PR_SET_DUMPABLE, 0, 0, 0, 0});
  return done;
}

bool outlive_supervisor(Attacker& attacker) {
  return attacker.in_copy([](Attacker& copy) {
    return copy.succeeds(SYS_prctl, {PR_SET_PDEATHSIG, 0, 0, 0, 0}) || copy.succeeds(SYS_setsid);
  });
}

constexpr Primitive kPrimitives[] = {
    {"become-root", become_root},
    {"become-daemon", become_daemon},
    {"become-account", become_account},
    {"become-group-root", become_group_root},
    {"set-groups", set_groups},
    {"files-as-root", files_as_root},
    {"files-as-daemon", files_as_daemon},
    {"files-as-account", files_as_account},
    {"files-as-nobody-of-ours", files_as_nobody_of_ours},
    {"gain-capabilities", gain_capabilities},
    {"loosen-securebits", loosen_securebits},
    {"become-dumpable", become_dumpable},
    {"outlive-supervisor", outlive_supervisor},
};

}  // namespace

std::span<const Primitive> identity_primitives() { return kPrimitives; }

}  // namespace breach
