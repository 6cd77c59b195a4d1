#include "daemons/mailroomd/file_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace mailroom {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

void set_owner(int fd, uid_t owner, mode_t mode, const std::string& path) {
  if (::fchown(fd, owner, owner) != 0) fail("chown " + path);
  if (::fchmod(fd, mode) != 0) fail("chmod " + path);
}

Fd open_for_owner(int below, const std::string& name) {
  Fd fd{::openat(below, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) fail(name);
  return fd;
}

std::string root_path(const Config& config, Root root) {
  switch (root) {
  case Root::host:
    return "/";
  case Root::empty:
    return config.directories.run + "/empty";
  case Root::state:
    return config.directories.state + "/policyd";
  case Root::auth:
    return config.directories.state + "/authd";
  case Root::kerberos:
    return config.directories.state + "/krbd";
  case Root::kdc:
    return config.directories.state + "/kdcd";
  case Root::queue:
    return config.directories.spool + "/queue";
  case Root::mail:
    return config.directories.spool + "/mail";
  case Root::relay:
    return config.directories.run + "/relay";
  }
  return "/";
}

std::vector<TreeRow> file_tree(const Config& config) {
  const auto uid = [&](Role role) { return config.uids.daemons + uid_number(role); };
  return {
      {config.directories.spool, 0, 0711, "what the system holds for people"},
      {root_path(config, Root::queue), uid(Role::queued), 0700, "messages in transit, mailroom-queue(5)"},
      {root_path(config, Root::mail), 0, 0711, "one directory for each account, mailroom-mailbox(5)"},
      {config.directories.state, 0, 0711, "what the system knows"},
      {root_path(config, Root::state), uid(Role::policyd), 0700, "accounts, addresses, policy state"},
      {root_path(config, Root::auth), uid(Role::authd), 0700, "password hashes"},
      {root_path(config, Root::kerberos), uid(Role::krbd), 0700, "libkrb5's configuration and replay cache"},
      {root_path(config, Root::kdc), uid(Role::kdcd), 0700, "libkrb5's configuration"},
      {config.directories.run, 0, 0755, "control sockets of the tools"},
      {root_path(config, Root::empty), 0, 0755, "empty; root directory of processes that need no file"},
      {root_path(config, Root::relay), 0, 0755, "Unix sockets of LMTP servers; root directory of relayd"},
  };
}

void make_file_tree(const Config& config, bool unprivileged) {
  for (const TreeRow& row : file_tree(config)) {
    std::error_code error;
    std::filesystem::create_directories(row.path, error);
    if (error) throw std::system_error(error, row.path);
    const Fd directory = open_for_owner(AT_FDCWD, row.path);
    set_owner(directory.get(), unprivileged ? ::getuid() : row.owner, row.mode, row.path);
  }
}

Fd open_directory(const std::string& path) {
  Fd fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) fail(path);
  return fd;
}

}  // namespace mailroom
