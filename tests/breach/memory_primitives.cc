// Memory: code of one's own, and memory shared with others.
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "tests/breach/primitives.h"

namespace breach {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kNoFile = ~0ULL;

bool executable_mapping(Attacker& attacker) {
  const auto maps = [&](std::uint64_t protection, std::uint64_t flags, std::uint64_t fd) {
    const long at = attacker.call(SYS_mmap, {0, kPage, protection, flags, fd, 0});
    if (at < 0) return false;
    attacker.call(SYS_munmap, {static_cast<std::uint64_t>(at), kPage});
    return true;
  };
  if (maps(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, kNoFile)) return true;
  if (maps(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, kNoFile)) return true;
  for (const int fd : attacker.memory_files())
    if (maps(PROT_READ | PROT_EXEC, MAP_PRIVATE, static_cast<std::uint64_t>(fd))) return true;
  return false;
}

bool make_executable(Attacker& attacker) {
  const std::uint64_t ours = attacker.data("x") & ~(kPage - 1);
  return attacker.succeeds(SYS_mprotect, {ours, kPage, PROT_READ | PROT_EXEC}) ||
         attacker.succeeds(SYS_pkey_mprotect, {ours, kPage, PROT_READ | PROT_EXEC, ~0ULL}) ||
         attacker.succeeds(SYS_remap_file_pages, {ours, kPage, 0, 0, 0});
}

bool read_implies_exec(Attacker& attacker) {
  return attacker.succeeds(SYS_personality, {0x0400000 /* READ_IMPLIES_EXEC */});
}

bool shared_memory(Attacker& attacker) {
  return attacker.succeeds(SYS_shmget, {IPC_PRIVATE, kPage, 0600}) ||
         attacker.succeeds(SYS_semget, {IPC_PRIVATE, 1, 0600}) ||
         attacker.succeeds(SYS_msgget, {IPC_PRIVATE, 0600}) ||
         attacker.opens(SYS_mq_open, {attacker.text("breach"), 0102, 0600, 0});
}

bool memory_file(Attacker& attacker) {
  return attacker.opens(SYS_memfd_create, {attacker.text("breach"), 0});
}
bool secret_memory(Attacker& attacker) { return attacker.opens(SYS_memfd_secret, {0}); }

constexpr Primitive kPrimitives[] = {
    {"executable-mapping", executable_mapping},
    {"make-executable", make_executable},
    {"read-implies-exec", read_implies_exec},
    {"shared-memory", shared_memory},
    {"memory-file", memory_file},
    {"secret-memory", secret_memory},
};

}  // namespace

std::span<const Primitive> memory_primitives() { return kPrimitives; }

}  // namespace breach
