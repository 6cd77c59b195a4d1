// How the time that something takes grows with its size (SECURITY.md V8 to V10): twice as much may take at
// most kMostGrowth times as long.  CPU time, not the clock's, and of several runs the shortest: what a run
// takes more is the machine's.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace mailroom::growth {

inline constexpr double kMostGrowth = 2.6;

using Work = std::function<void()>;

struct Generator {
  std::string name;
  std::size_t largest;  // sizes begin small and double until they take long enough, or to this
  std::function<Work(std::size_t)> prepare;  // what of it is not measured; the Work may be done several times
};

// Prints a line of TAP for each, and their number.  Whether all are within the bound.
bool all_grow_well(std::span<const Generator> generators);

}  // namespace mailroom::growth
