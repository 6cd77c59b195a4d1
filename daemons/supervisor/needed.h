// Which processes a configuration needs.  Pure.
#pragma once

#include "daemons/config.h"
#include "daemons/processes.h"

namespace mailroom {

// Of those that the supervisor has started: false of the two that start others.
bool is_needed(Role role, const Config& config);

}  // namespace mailroom
