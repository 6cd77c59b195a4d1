// Kills a piece of code at each of its steps on disk.
#pragma once

#include <functional>

namespace mailroom::mailbox {

// Runs `body` in a forked process that dies (SIGKILL) when it is about to make its n-th system call that
// writes, syncs, links, renames or removes something, n from 1.  False when the body had fewer and came to
// its end; it must not throw.
bool killed_at(int n, const std::function<void()>& body);

}  // namespace mailroom::mailbox
