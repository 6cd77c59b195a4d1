// Connections that do not end when their listener tells them to.  Their process may be anybody's by now; the
// listener may not touch it, having no right to signal other uids.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "daemons/channels/spawner.h"

namespace mailroom {

struct Child {
  pid_t pid;
  uid_t uid;
};

// As /proc has them.  Empty when there is no such process, or no /proc.
std::vector<Child> children_of(pid_t parent);

// Ends children of a listener by force: all of them, or those with the uids of connections before login
// (`first` and `count`). The listener, a child of the caller that has not been waited for, is halted
// meanwhile: what it cannot reap keeps its number. How many there were.
std::size_t kill_children(pid_t listener, Whose whose, uid_t first, uid_t count);

}  // namespace mailroom
