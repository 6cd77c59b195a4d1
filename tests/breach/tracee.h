// A running process in which system calls are made from outside, as code that has taken it over would make
// them.  Needs root.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "tests/breach/filter_machine.h"

namespace breach {

using Arguments = std::array<std::uint64_t, 6>;

class Tracee {
 public:
  // Stops the process' first thread wherever it is.  Throws std::runtime_error when it cannot.
  explicit Tracee(pid_t pid);
  // Lets it go on from where it was stopped, with the registers that it had.
  ~Tracee();
  Tracee(const Tracee&) = delete;
  Tracee& operator=(const Tracee&) = delete;

  pid_t pid() const { return pid_; }
  // Whether a call has ended it.
  bool is_dead() const { return dead_; }
  // It is not to go on: it ends.
  void abandon();

  // What the kernel returns: a result, or a negative errno.  -ESRCH when the process has ended by it.
  long call(long number, Arguments arguments = {});

  // A page of the process's memory that is ours to fill, and the calls to do so.  Made at the first use.
  std::uint64_t scratch();
  void write(std::uint64_t address, std::string_view bytes);

  // Makes a copy of the process by fork(), has `act` done in it and ends it with status 0.  False when it
  // cannot fork.
  bool in_copy(const std::function<void(Tracee&)>& act);

  const std::vector<FilterProgram>& filters() const { return filters_; }

 private:
  Tracee(pid_t copy, const Tracee& original);
  long step(const user_regs_struct& registers);
  void find_system_call();
  void read_filters();

  pid_t pid_;
  bool dead_ = false;
  bool is_copy_ = false;
  int pending_signal_ = 0;
  pid_t new_child_ = 0;
  user_regs_struct saved_{};
  std::uint64_t system_call_ = 0;  // address of a `syscall` instruction
  std::uint64_t scratch_ = 0;
  std::vector<FilterProgram> filters_;
};

}  // namespace breach
