// The walls around a process: no_new_privs, Landlock, resource limits, not dumpable.  With become.h (who) and
// seccomp.h (what calls) these are all the means; daemons/processes.h says which process gets what.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mailroom {

// Closes every descriptor from `first` up.
void close_from(int first);

// No right can be gained by exec, ever.  Fatal if the kernel refuses.
void set_no_new_privs();

// Not traceable by its own uid, no core dump, no writable and executable memory (where the kernel knows
// that).
void set_not_dumpable();

struct ResourceLimits {
  std::uint64_t open_files = 64;
  std::uint64_t processes = 0;      // of its uid; 0: may not fork
  std::uint64_t address_space = 0;  // octets; 0: as it is
};
// Lowers limits; a limit above what the system allows is cut to that.
void set_limits(const ResourceLimits& limits);

// This process makes no others (unless it is root): a fork fails with EAGAIN.
void forbid_forks();

enum class FileAccess : std::uint8_t {
  all,
  put,   // make files, write them, remove them, list directories; read no file
  read,  // files and directories
};
struct Reachable {
  int directory;
  FileAccess access;
};

// TCP ports that may be connected to, and whether any may be listened on.
struct Network {
  bool any_port = false;
  std::vector<std::uint16_t> ports;
  bool listens = false;
};

// Landlock: from now on files are reached only below these directories, TCP connections go only to these
// ports, no TCP port can be bound unless it `listens`, and no signal or abstract socket leaves the process's
// own domain.  Returns the Landlock version used, 0 if the kernel has none.
int restrict_files_to(const std::vector<Reachable>& directories, const Network& network = {});

// What of the above this kernel lacks, in words, for the log; empty when it has all.
std::vector<std::string> missing_kernel_features();
// Whether seccomp filters and no_new_privs work: without them only --unprivileged runs.
bool has_mandatory_features();

}  // namespace mailroom
