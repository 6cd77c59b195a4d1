#include "daemons/supervisor/walls.h"

#include <sys/prctl.h>

#include <csignal>

#include "daemons/mailroomd/file_tree.h"
#include "daemons/processes.h"
#include "libcommon/sys/become.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/jail.h"
#include "libcommon/sys/syscall_filter.h"

namespace mailroom {

void put_up_walls(bool unprivileged) {
  const ProcessRow& row = process_row(Role::supervisor);
  set_no_new_privs();
  const Fd everything = open_directory("/");
  restrict_files_to({{everything.get(), FileAccess::read}},
                    {.any_port = false, .ports = {}, .listens = true});
  if (!unprivileged) become(0, kSupervisorCapabilities);
  set_not_dumpable();
  set_limits({.open_files = row.open_files, .processes = row.processes});
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fatal_errno("PR_SET_PDEATHSIG");
  using enum CallSet;
  SystemCallFilter{basic, memory_files, make_sockets, listen, read_files}.install();
}

}  // namespace mailroom
