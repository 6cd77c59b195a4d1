// System-call filters: allow-lists by name, compiled once, installed in the process and inherited by its
// children.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace mailroom {

// What a process may ask of the kernel.  A filter is the union of the sets it names.
enum class CallSet : std::uint8_t {
  basic,         // memory, time, descriptors it already has, sockets it already has; ending
  accept,        // taking connections from a listening socket it was given
  memory_files,  // memfd: what a child before login hands to its session
  files,         // files below its own root directory
  watch,         // inotify
  make_sockets,  // socketpair
  fork,          // children: clone without namespaces, wait, limits of its own
  identity,      // setresuid, setresgid, to shed what root has
  enter,         // a root directory, fewer capabilities, further filters: for children that become sessions
  fs_identity,   // setfsuid, setfsgid
  connect,       // TCP over IPv4 and IPv6 and Unix stream sockets of its own, to connect only
  internet,      // TCP and UDP sockets of its own, over IPv4 and IPv6, none that listens
  listen,        // TCP sockets of its own, over IPv4 and IPv6, to listen on
  read_files,    // files and directories that are there, to read only
  kLast = read_files,
};

// Uids, and the gids of the same numbers, both ends included.
struct UidRange {
  uid_t first;
  uid_t last;
};

class SystemCallFilter {
 public:
  // Compiles the union of the sets.  What is not listed fails with EPERM; what no program of ours ever asks
  // for (exec, ptrace, sockets where none of `connect`, `internet` and `listen` is named, namespaces,
  // io_uring, keyrings, bpf ...) ends the process.  Fatal on failure. With `identity` and `fs_identity` only
  // uids and gids of `identities` can be taken on.
  explicit SystemCallFilter(std::initializer_list<CallSet> sets,
                            const std::vector<UidRange>& identities = {});

  // Puts the calling process (all its threads) under the filter, for good.  Needs no_new_privs.  Fatal on
  // failure.
  void install() const;
  // The same for a process that has a single thread: cheaper.
  void install_single_threaded() const;

  std::size_t size() const { return program_.size(); }  // instructions

 private:
  std::vector<sock_filter> program_;
};

}  // namespace mailroom
