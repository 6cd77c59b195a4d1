// `mailroomd --table`: the process table and the file tree with this configuration's numbers, for operators
// and tests.
#pragma once

#include "daemons/mailroomd/options.h"

namespace mailroom {

// Returns the exit status.
int print_table(const Options& options);

}  // namespace mailroom
