// What the system-call filters of a process would say to a call, without making it: a call that would end the
// process can be asked about.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <span>
#include <vector>

namespace breach {

using FilterProgram = std::vector<sock_filter>;

enum class FilterAnswer { allowed, refused, ends_process };

// The action that the program returns.  Throws std::runtime_error on an instruction that seccomp does not
// take.
std::uint32_t run_filter(std::span<const sock_filter> program, const seccomp_data& call);

// Of all filters of a process the strictest answer holds (seccomp(2)).
FilterAnswer answer_of(std::span<const FilterProgram> filters, const seccomp_data& call);

}  // namespace breach
