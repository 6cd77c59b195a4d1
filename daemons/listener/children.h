// The ends of forked processes, for those that fork one for each connection.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "libcommon/sys/fd.h"

namespace mailroom {

// Blocks SIGCHLD and gives the descriptor that becomes readable instead.  Fatal on failure.
Fd child_signals();

// Takes the ends of all processes that have ended.
void reap_children(int signals, const std::function<void(pid_t, int status)>& on_ended);

// "end", "exit 70", "signal SEGV"
std::string exit_words(int status);

// By a signal, or by fatal(); but not by SIGALRM, which a process sends itself (libcommon/sys/time_limit.h).
bool ended_abnormally(int status);

}  // namespace mailroom
