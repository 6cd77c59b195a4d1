// System-call filters: allow-lists by name, compiled once, installed in the process and inherited by its children.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace mailroom {

// What a process may ask of the kernel.  A filter is the union of the sets it names.
enum class CallSet : std::uint8_t {
  basic,     // memory, time, descriptors it already has, sockets it already has; ending
  accept,    // taking connections from a listening socket it was given
  memory_files,  // memfd: what a child before login hands to its session
  files,     // files below its own root directory
  watch,     // inotify
  make_sockets,  // socketpair
  fork,      // children: clone without namespaces, wait
  become,    // uids, chroot, capabilities, further filters: listeners
  fs_identity,   // setfsuid, setfsgid, to the identities that the filter allows
  kLast = fs_identity,
};

class SystemCallFilter {
public:
  // Compiles the union of the sets.  What is not listed fails with EPERM; what no program of ours ever asks for (exec,
  // ptrace, sockets of any family, namespaces, io_uring, keyrings, bpf ...) ends the process.  Fatal on failure.
  // For fs_identity the file system identity may be the process's own at this time, or from `first_fs_identity` up.
  explicit SystemCallFilter(std::initializer_list<CallSet> sets, uid_t first_fs_identity = ~uid_t{0});

  // Puts the calling process (all its threads) under the filter, for good.  Needs no_new_privs.  Fatal on failure.
  void install() const;
  // The same for a process that has a single thread: cheaper.
  void install_single_threaded() const;

  std::size_t size() const { return program_.size(); }  // instructions

private:
  std::vector<sock_filter> program_;
};

}  // namespace mailroom
