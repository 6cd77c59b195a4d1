// The only code that changes uids, groups and capabilities.  Called by the supervisor's children, the
// listeners, deliverd and the tools; the numbers come from daemons/processes.h and the configuration, never
// from a message.
//
// Every function that fails ends the process (sys/fatal.h): a process that could not give up a right must not
// go on.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace mailroom {

// Capabilities to keep, as a mask of 1 << CAP_x.
using CapabilityMask = std::uint64_t;
inline constexpr CapabilityMask kNoCapabilities = 0;
extern const CapabilityMask kListenerCapabilities;    // SETUID, SETGID, SYS_CHROOT
extern const CapabilityMask kDeliverCapabilities;     // SETUID, SETGID: for FsIdentity
extern const CapabilityMask kSupervisorCapabilities;  // DAC_READ_SEARCH, NET_BIND_SERVICE

// Becomes `uid` (and the gid of the same number) for good, without supplementary groups, holding exactly
// `keep` and unable to gain more (bounding set, securebits).  With uid 0 only the capabilities are reduced.
void become(uid_t uid, CapabilityMask keep);

// The same in two steps, for a process that has still to set itself up before it goes into its root
// directory: SYS_CHROOT is held from the first to the second.
void become_to_enter(uid_t uid, CapabilityMask keep);
void become_entered(uid_t uid, CapabilityMask keep);

// As become(), from inside a listener's child: sheds what was inherited, in the fewest calls.  The bounding
// set was reduced by the listener already.
void become_in_child(uid_t uid);

// Enters the directory and makes it the root directory of this process.  Needs SYS_CHROOT.
void enter_root(int directory);

// As enter_root(), but as the account: the directory is 0700 and owned by `uid`, so that a root without DAC
// rights cannot enter it.  Afterwards the process is the account and holds nothing else.
void become_account_in(int directory, uid_t uid);

// The file-system identity of the calling thread, for the life of the object: deliverd creates files as the
// account. Needs kDeliverCapabilities.  Returns to the process's own identity at the end.  Fatal when either
// does not come about.
class FsIdentity {
 public:
  explicit FsIdentity(uid_t uid);
  ~FsIdentity();
  FsIdentity(const FsIdentity&) = delete;
  FsIdentity& operator=(const FsIdentity&) = delete;

 private:
  uid_t previous_;
};

}  // namespace mailroom
