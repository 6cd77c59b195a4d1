// The pages of the program itself.
#pragma once

namespace mailroom {

// Takes the program's code out of this process's page table; what is used comes back from the page cache, a
// few pages at a time.  Called at the end of set-up: most of what has run by then never runs again, and
// counts as memory in use until somebody needs that memory.
void release_program_text();

}  // namespace mailroom
