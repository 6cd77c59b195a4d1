// Parts of the kernel that a mail system has no use for, each of them a way into it at some time.
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/timex.h>

#include <ctime>

#include "tests/breach/primitives.h"

namespace breach {
namespace {

std::uint64_t zeroes(Attacker& attacker) { return attacker.data(std::string(256, '\0')); }

bool io_uring(Attacker& attacker) {
  return attacker.opens(SYS_io_uring_setup, {4, zeroes(attacker)}) ||
         attacker.succeeds(SYS_io_uring_enter, {0, 0, 0, 0, 0}) ||
         attacker.opens(SYS_io_setup, {4, zeroes(attacker)});
}
bool user_page_faults(Attacker& attacker) {
  return attacker.opens(SYS_userfaultfd, {1}) || attacker.opens(SYS_userfaultfd, {0});
}
bool bpf(Attacker& attacker) {
  const std::uint32_t map[18] = {BPF_MAP_TYPE_ARRAY, 4, 8, 1};  // of a key of 4 octets, one value of 8
  return attacker.opens(SYS_bpf, {BPF_MAP_CREATE, attacker.object(map), sizeof map});
}
bool performance_events(Attacker& attacker) {
  perf_event_attr software{};
  software.type = PERF_TYPE_SOFTWARE;
  software.size = sizeof software;
  return attacker.opens(SYS_perf_event_open, {attacker.object(software), 0, ~0ULL, ~0ULL, 0});
}

bool key_rings(Attacker& attacker) {
  const std::uint64_t user = attacker.text("user");
  return attacker.succeeds(SYS_add_key, {user, user, user, 4, ~1ULL + 0}) ||
         attacker.succeeds(SYS_keyctl, {0, ~2ULL, 1}) ||
         attacker.succeeds(SYS_request_key, {user, user, 0, ~1ULL});
}

bool modules(Attacker& attacker) {
  const std::uint64_t none = zeroes(attacker);
  return attacker.succeeds(SYS_init_module, {none, 0, none}) ||
         attacker.succeeds(SYS_finit_module, {0, none, 0}) ||
         attacker.succeeds(SYS_delete_module, {none, 0}) || attacker.succeeds(SYS_kexec_load, {0, 0, 0, 0});
}

bool watch_files(Attacker& attacker) {
  return attacker.opens(SYS_inotify_init1, {0}) || attacker.opens(SYS_inotify_init);
}
bool watch_all_files(Attacker& attacker) {
  return attacker.opens(SYS_fanotify_init, {0x200 /* FAN_REPORT_FID */, 0});
}
bool signal_descriptor(Attacker& attacker) {
  return attacker.opens(SYS_signalfd4, {~0ULL, zeroes(attacker), 8, 0});
}
bool timer_descriptor(Attacker& attacker) { return attacker.opens(SYS_timerfd_create, {1, 0}); }
bool event_descriptor(Attacker& attacker) { return attacker.opens(SYS_eventfd2, {0, 0}); }

bool kernel_log(Attacker& attacker) { return attacker.succeeds(SYS_syslog, {3, zeroes(attacker), 256}); }
bool names_of_machine(Attacker& attacker) {
  return attacker.succeeds(SYS_sethostname, {attacker.text("x"), 0});
}

// Asked in a way that changes nothing where it is allowed.
bool clock(Attacker& attacker) {
  timex nothing{};
  return attacker.succeeds(SYS_adjtimex, {attacker.object(nothing)}) ||
         attacker.succeeds(SYS_clock_adjtime, {CLOCK_REALTIME, attacker.object(nothing)});
}

bool ports_and_segments(Attacker& attacker) {
  return attacker.succeeds(SYS_iopl, {0}) || attacker.succeeds(SYS_ioperm, {0, 1, 0}) ||
         attacker.succeeds(SYS_modify_ldt, {0, zeroes(attacker), 256}) ||
         attacker.succeeds(SYS_arch_prctl, {0x1003, zeroes(attacker)});
}

bool accounting(Attacker& attacker) {
  return attacker.succeeds(SYS_acct, {0}) || attacker.succeeds(SYS_swapoff, {attacker.text("/none")}) ||
         attacker.succeeds(SYS_quotactl, {0x80000100, 0, 0, 0}) ||
         attacker.succeeds(SYS_reboot, {0, 0, 0, 0});
}

bool splice(Attacker& attacker) {
  return attacker.succeeds(SYS_vmsplice, {2, zeroes(attacker), 0, 0}) ||
         attacker.succeeds(SYS_tee, {0, 2, 0, 0});
}

// A further filter can only take away, but one with a listener answers for the kernel.
bool answer_for_kernel(Attacker& attacker) {
  const sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  const sock_fprog program{1, reinterpret_cast<sock_filter*>(attacker.object(allow))};
  const std::uint64_t filter = attacker.object(program);
  return attacker.in_copy([filter](Attacker& copy) {
    return copy.opens(SYS_seccomp, {SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, filter});
  });
}

bool calls_of_i386(Attacker& attacker) { return attacker.call_as(AUDIT_ARCH_I386, 20 /* getpid */) == 0; }
bool calls_of_x32(Attacker& attacker) {
  return attacker.call_as(AUDIT_ARCH_X86_64, 0x40000000 | SYS_getpid) == 0;
}
bool calls_unheard_of(Attacker& attacker) {
  for (long number = 424; number < 600;
       ++number)  // after the last call that Debian 12 knows by name, and the gaps before
    if (number > 450 && attacker.call_as(AUDIT_ARCH_X86_64, number) == 0) return true;
  return false;
}

constexpr Primitive kPrimitives[] = {
    {"io-uring", io_uring},
    {"user-page-faults", user_page_faults},
    {"bpf", bpf},
    {"performance-events", performance_events},
    {"key-rings", key_rings},
    {"modules", modules},
    {"watch-files", watch_files},
    {"watch-all-files", watch_all_files},
    {"signal-descriptor", signal_descriptor},
    {"timer-descriptor", timer_descriptor},
    {"event-descriptor", event_descriptor},
    {"kernel-log", kernel_log},
    {"names-of-machine", names_of_machine},
    {"clock", clock},
    {"ports-and-segments", ports_and_segments},
    {"accounting", accounting},
    {"splice", splice},
    {"answer-for-kernel", answer_for_kernel},
    {"calls-of-i386", calls_of_i386},
    {"calls-of-x32", calls_of_x32},
    {"calls-unheard-of", calls_unheard_of},
};

}  // namespace

std::span<const Primitive> kernel_primitives() { return kPrimitives; }

}  // namespace breach
