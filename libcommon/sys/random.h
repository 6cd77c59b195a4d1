// Random octets from the kernel.
#pragma once

#include <cstddef>

namespace mailroom {

// Never fails: a kernel without randomness is fatal.
void fill_random(void* into, std::size_t size);

}  // namespace mailroom
