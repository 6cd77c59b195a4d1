// Who each process is, and where: uids, root directory, and the TCP ports that it may connect to.
//
// Made once, from mailroomd's own reading of the configuration and before anything is heard from the
// supervisor, which can so give no program another identity.  A reload changes none of it: the keys behind it
// (spool-dir, state-dir, run-dir, uid-base, uid-count, dnsd.forward, dnsd.stub, kerberos.kdc, stsd.port)
// change only by a restart.
#pragma once

#include <map>
#include <vector>

#include "daemons/config.h"
#include "daemons/processes.h"
#include "libcommon/sys/fd.h"

namespace mailroom {

class Warrants {
 public:
  // The directories are there (daemons/mailroomd/file_tree.h).  Throws std::system_error.
  Warrants(const Config& config, bool unprivileged);

  // What a process of that role has at kControlFd and up (daemons/daemon.h); -1: nothing there.
  std::vector<int> first_descriptors(Role role, int control, int launch) const;

  int spool_mail() const { return roots_.at(Root::mail).get(); }

 private:
  std::map<Root, Fd> roots_;
  std::vector<Fd> warrants_;  // by role
};

}  // namespace mailroom
