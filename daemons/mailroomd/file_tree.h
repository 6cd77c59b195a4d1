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

// The directory of an account below spool/mail, with its parts, owned by `owner`.  An existing one of that
// owner is fine. Throws std::system_error.
void make_account_directory(int spool_mail, AccountId account, uid_t owner, bool unprivileged);

// What make_account_directory made is on disk when this returns: one sync for many.  Throws
// std::system_error.
void sync_account_directories(int spool_mail);

// Puts it aside as removed-ID; its number is never used again.  Throws std::system_error unless it was not
// there.
void remove_account_directory(int spool_mail, AccountId account);

}  // namespace mailroom
