// What attackers do with a process that they have taken over, one function for each: it answers whether that
// works.  The names are those of daemons/process_walls.h.
#pragma once

#include <span>
#include <string_view>

#include "tests/breach/attacker.h"

namespace breach {

struct Primitive {
  std::string_view name;
  bool (*works)(Attacker&);
};

std::span<const Primitive> file_primitives();
std::span<const Primitive> identity_primitives();
std::span<const Primitive> process_primitives();
std::span<const Primitive> memory_primitives();
std::span<const Primitive> network_primitives();
std::span<const Primitive> kernel_primitives();

}  // namespace breach
