// The directories of the system as a table: set up at start, printed by `mailroomd --table`, walked by tests.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "daemons/config.h"
#include "daemons/processes.h"
#include "libcommon/sys/fd.h"

namespace mailroom {

struct TreeRow {
  std::string path;
  uid_t owner;  // and group of the same number
  mode_t mode;
  const char* purpose;
};

std::vector<TreeRow> file_tree(const Config& config);

// Makes what is missing, and sets owner and mode.  With `unprivileged` the owner stays as it is.  Throws
// std::system_error with the path.
void make_file_tree(const Config& config, bool unprivileged);

// Root directory of a process, as a path.
std::string root_path(const Config& config, Root root);

// O_PATH descriptor of a directory; follows no symbolic link in the last component.  Throws
// std::system_error.
Fd open_directory(const std::string& path);

// A directory, not a link to one, to be given an owner and a mode.  Both throw std::system_error.
Fd open_for_owner(int below, const std::string& name);
void set_owner(int fd, uid_t owner, mode_t mode, const std::string& path);

}  // namespace mailroom
