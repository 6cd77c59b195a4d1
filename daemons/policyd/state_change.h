// Changes of the shared state whose loss can be borne.
#pragma once

#include <functional>

#include "spool/state/directory.h"

namespace mailroom::policyd {

// One transaction.  What cannot be stored (a line in the log says so) counts all the same until the process
// ends.
void change_state(state::Directory& directory, const std::function<void(state::Update&)>& what);

}  // namespace mailroom::policyd
