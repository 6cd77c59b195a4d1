#include "tests/breach/filter_machine.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace breach {
namespace {

// The classic BPF of seccomp: an accumulator, an index register, sixteen words of memory.
class Machine {
 public:
  Machine(std::span<const sock_filter> program, const seccomp_data& call) : program_{program}, call_{call} {}

  std::uint32_t run() {
    for (std::size_t at = 0; at < program_.size(); ++at) {
      const sock_filter& step = program_[at];
      switch (BPF_CLASS(step.code)) {
      case BPF_LD:
        a_ = load(step, a_);
        break;
      case BPF_LDX:
        x_ = load(step, x_);
        break;
      case BPF_ST:
        memory_[step.k % BPF_MEMWORDS] = a_;
        break;
      case BPF_STX:
        memory_[step.k % BPF_MEMWORDS] = x_;
        break;
      case BPF_ALU:
        a_ = compute(step);
        break;
      case BPF_JMP:
        at += jump(step);
        break;
      case BPF_RET:
        return BPF_RVAL(step.code) == BPF_A ? a_ : step.k;
      case BPF_MISC:
        BPF_MISCOP(step.code) == BPF_TAX ? x_ = a_ : a_ = x_;
        break;
      }
    }
    throw std::runtime_error("a filter without an end");
  }

 private:
  std::uint32_t load(const sock_filter& step, std::uint32_t) const {
    switch (BPF_MODE(step.code)) {
    case BPF_IMM:
      return step.k;
    case BPF_MEM:
      return memory_[step.k % BPF_MEMWORDS];
    case BPF_LEN:
      return sizeof call_;
    case BPF_ABS: {
      std::uint32_t word = 0;
      if (step.k + sizeof word > sizeof call_) break;
      std::memcpy(&word, reinterpret_cast<const char*>(&call_) + step.k, sizeof word);
      return word;
    }
    }
    throw std::runtime_error("a load that seccomp does not know");
  }

  std::uint32_t operand(const sock_filter& step) const { return BPF_SRC(step.code) == BPF_X ? x_ : step.k; }

  std::uint32_t compute(const sock_filter& step) const {
    const std::uint32_t b = operand(step);
    switch (BPF_OP(step.code)) {
    case BPF_ADD:
      return a_ + b;
    case BPF_SUB:
      return a_ - b;
    case BPF_MUL:
      return a_ * b;
    case BPF_DIV:
      return b == 0 ? 0 : a_ / b;
    case BPF_OR:
      return a_ | b;
    case BPF_AND:
      return a_ & b;
    case BPF_XOR:
      return a_ ^ b;
    case BPF_LSH:
      return a_ << (b & 31);
    case BPF_RSH:
      return a_ >> (b & 31);
    case BPF_NEG:
      return -a_;
    }
    throw std::runtime_error("an operation that seccomp does not know");
  }

  std::size_t jump(const sock_filter& step) const {
    const std::uint32_t b = operand(step);
    switch (BPF_OP(step.code)) {
    case BPF_JA:
      return step.k;
    case BPF_JEQ:
      return a_ == b ? step.jt : step.jf;
    case BPF_JGT:
      return a_ > b ? step.jt : step.jf;
    case BPF_JGE:
      return a_ >= b ? step.jt : step.jf;
    case BPF_JSET:
      return (a_ & b) != 0 ? step.jt : step.jf;
    }
    throw std::runtime_error("a jump that seccomp does not know");
  }

  std::span<const sock_filter> program_;
  const seccomp_data& call_;
  std::uint32_t a_ = 0;
  std::uint32_t x_ = 0;
  std::uint32_t memory_[BPF_MEMWORDS] = {};
};

}  // namespace

std::uint32_t run_filter(std::span<const sock_filter> program, const seccomp_data& call) {
  return Machine{program, call}.run();
}

FilterAnswer answer_of(std::span<const FilterProgram> filters, const seccomp_data& call) {
  FilterAnswer strictest = FilterAnswer::allowed;
  for (const FilterProgram& filter : filters) {
    const std::uint32_t action = run_filter(filter, call) & SECCOMP_RET_ACTION_FULL;
    const bool ends =
        action == SECCOMP_RET_KILL_PROCESS || action == SECCOMP_RET_KILL_THREAD || action == SECCOMP_RET_TRAP;
    const bool allows = action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
    strictest = std::max(strictest, ends     ? FilterAnswer::ends_process
                                    : allows ? FilterAnswer::allowed
                                             : FilterAnswer::refused);
  }
  return strictest;
}

}  // namespace breach
