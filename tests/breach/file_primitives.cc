// Files: out of the root directory, into other people's, and names that should not be made.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstddef>

#include "tests/breach/primitives.h"

namespace breach {
namespace {

constexpr auto kHere = static_cast<std::uint64_t>(AT_FDCWD);
constexpr char kUpwards[] = "../../../../../../../../../../../..";
constexpr char kOurName[] = ".breach";
constexpr char kOtherName[] = ".breach-2";

std::vector<std::uint64_t> starting_points(const Attacker& attacker) {
  std::vector<std::uint64_t> points{kHere};
  for (const Descriptor& each : attacker.descriptors())
    points.push_back(static_cast<std::uint64_t>(each.number));
  return points;
}

// By any way that leads upwards from any descriptor.
bool any_upwards(Attacker& attacker, const std::vector<std::string>& paths, std::uint64_t flags) {
  for (const std::string& path : paths) {
    const std::uint64_t absolute = attacker.text(path);
    const std::uint64_t relative = attacker.text(kUpwards + path);
    if (attacker.opens(SYS_openat, {kHere, absolute, flags})) return true;
    for (const std::uint64_t point : starting_points(attacker))
      if (attacker.opens(SYS_openat, {point, relative, flags})) return true;
    attacker.forget_data();
  }
  return false;
}

bool open_outside(Attacker& attacker) { return any_upwards(attacker, attacker.around().files, O_RDONLY); }
bool write_outside(Attacker& attacker) {
  return any_upwards(attacker, attacker.around().files, O_WRONLY | O_APPEND);
}
// To what it is already: where it works nothing of the host changes.
bool change_mode_outside(Attacker& attacker) {
  for (const std::string& path : attacker.around().files) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) continue;
    const std::uint64_t name = attacker.text(path);
    const std::uint64_t mode = facts.st_mode & 07777;
    if (attacker.succeeds(SYS_fchmodat, {kHere, name, mode})) return true;
    const long fd = attacker.call(SYS_openat, {kHere, name, O_RDONLY});
    if (fd < 0) continue;
    const auto opened = static_cast<std::uint64_t>(fd);
    const bool works = attacker.succeeds(SYS_fchmod, {opened, mode}) ||
                       attacker.succeeds(SYS_fchown, {opened, facts.st_uid, facts.st_gid});
    attacker.call(SYS_close, {opened});
    if (works) return true;
  }
  return false;
}
bool list_outside(Attacker& attacker) {
  return any_upwards(attacker, attacker.around().directories, O_RDONLY | O_DIRECTORY);
}
bool reach_outside(Attacker& attacker) {
  return any_upwards(attacker, attacker.around().directories, O_PATH);
}

bool create_outside(Attacker& attacker) {
  std::vector<std::string> names;
  for (const std::string& directory : attacker.around().directories)
    names.push_back(directory + "/" + kOurName);
  return any_upwards(attacker, names, O_WRONLY | O_CREAT | O_EXCL);
}

bool open_old_ways(Attacker& attacker) {
  const std::uint64_t path = attacker.text(attacker.around().files.front());
  const open_how how{O_RDONLY, 0, 0};
  return attacker.opens(SYS_open, {path, O_RDONLY}) || attacker.opens(SYS_creat, {path, 0600}) ||
         attacker.opens(SYS_openat2, {kHere, path, attacker.object(how), sizeof how});
}

bool stat_outside(Attacker& attacker) {
  const std::uint64_t path = attacker.text(attacker.around().files.front());
  const std::uint64_t into = attacker.data(std::string(512, '\0'));
  return attacker.succeeds(SYS_newfstatat, {kHere, path, into, 0}) ||
         attacker.succeeds(SYS_stat, {path, into}) ||
         attacker.succeeds(SYS_statx, {kHere, path, 0, STATX_BASIC_STATS, into}) ||
         attacker.succeeds(SYS_access, {path, 0}) ||
         attacker.succeeds(SYS_readlink, {attacker.text("/proc/self/exe"), into, 512}) ||
         attacker.succeeds(SYS_getxattr, {path, attacker.text("user.x"), into, 512});
}

bool list_own_root(Attacker& attacker) {
  const long fd = attacker.call(SYS_openat, {kHere, attacker.text("/"), O_RDONLY | O_DIRECTORY});
  if (fd < 0) return false;
  const auto directory = static_cast<std::uint64_t>(fd);
  const bool read =
      attacker.succeeds(SYS_getdents64, {directory, attacker.data(std::string(4096, '\0')), 4096});
  attacker.call(SYS_close, {directory});
  return read;
}

bool create_in_own_root(Attacker& attacker) {
  const std::uint64_t name = attacker.text(kOurName);
  if (!attacker.opens(SYS_openat, {kHere, name, O_WRONLY | O_CREAT | O_EXCL, 0600})) return false;
  attacker.call(SYS_unlinkat, {kHere, name, 0});
  return true;
}

// `act` on a file of ours in the root directory.
bool with_own_file(Attacker& attacker, bool (*act)(Attacker&, std::uint64_t name, std::uint64_t fd)) {
  const std::uint64_t name = attacker.text(kOurName);
  const long fd = attacker.call(SYS_openat, {kHere, name, O_WRONLY | O_CREAT | O_EXCL, 0600});
  const bool worked = act(attacker, name, fd < 0 ? kHere : static_cast<std::uint64_t>(fd));
  if (fd >= 0) attacker.call(SYS_close, {static_cast<std::uint64_t>(fd)});
  attacker.call(SYS_unlinkat, {kHere, name, 0});
  return worked;
}

bool give_away_file(Attacker& attacker) {
  return with_own_file(attacker, [](Attacker& a, std::uint64_t name, std::uint64_t fd) {
    const std::uint64_t other = a.around().daemon_uid;
    return a.succeeds(SYS_fchown, {fd, other, other}) || a.succeeds(SYS_chown, {name, other, other}) ||
           a.succeeds(SYS_fchownat, {kHere, name, other, other, 0});
  });
}

bool make_set_uid_file(Attacker& attacker) {
  return with_own_file(attacker, [](Attacker& a, std::uint64_t name, std::uint64_t fd) {
    return a.succeeds(SYS_fchmod, {fd, 04755}) || a.succeeds(SYS_chmod, {name, 04755}) ||
           a.succeeds(SYS_fchmodat, {kHere, name, 04755}) || a.succeeds(SYS_umask, {077});
  });
}

bool set_attribute(Attacker& attacker) {
  return with_own_file(attacker, [](Attacker& a, std::uint64_t name, std::uint64_t fd) {
    const std::uint64_t attribute = a.text("user.breach");
    return a.succeeds(SYS_fsetxattr, {fd, attribute, name, 1, 0}) ||
           a.succeeds(SYS_setxattr, {name, attribute, name, 1, 0});
  });
}

bool make_symbolic_link(Attacker& attacker) {
  const std::uint64_t target = attacker.text(attacker.around().files.front());
  const std::uint64_t name = attacker.text(kOtherName);
  const bool made = attacker.succeeds(SYS_symlinkat, {target, kHere, name}) ||
                    attacker.succeeds(SYS_symlink, {target, name});
  if (made) attacker.call(SYS_unlinkat, {kHere, name, 0});
  return made;
}

bool link_outside(Attacker& attacker) {
  const std::uint64_t name = attacker.text(kOtherName);
  const std::uint64_t absolute = attacker.text(attacker.around().files.front());
  const std::uint64_t upwards = attacker.text(kUpwards + attacker.around().files.front());
  for (const std::uint64_t point : starting_points(attacker))
    if (attacker.succeeds(SYS_linkat, {point, upwards, kHere, name, 0})) return true;
  return attacker.succeeds(SYS_linkat, {kHere, absolute, kHere, name, 0}) ||
         attacker.succeeds(SYS_link, {absolute, name});
}

bool make_device(Attacker& attacker) {
  const std::uint64_t name = attacker.text(kOtherName);
  const bool made = attacker.succeeds(SYS_mknodat, {kHere, name, S_IFCHR | 0600, 0x103}) ||
                    attacker.succeeds(SYS_mknodat, {kHere, name, S_IFIFO | 0600, 0});
  if (made) attacker.call(SYS_unlinkat, {kHere, name, 0});
  return made;
}

bool open_by_handle(Attacker& attacker) {
  struct {
    file_handle head{.handle_bytes = MAX_HANDLE_SZ};
    char octets[MAX_HANDLE_SZ]{};
  } room;
  const std::uint64_t handle = attacker.object(room), mount = attacker.object(0);
  return attacker.succeeds(SYS_name_to_handle_at, {kHere, attacker.text("."), handle, mount, 0}) ||
         attacker.opens(SYS_open_by_handle_at, {kHere, handle, O_RDONLY});
}

bool change_root(Attacker& attacker) { return attacker.succeeds(SYS_chroot, {attacker.text("/")}); }

bool mount(Attacker& attacker) {
  const std::uint64_t here = attacker.text("/");
  return attacker.succeeds(SYS_mount, {attacker.text("none"), here, attacker.text("tmpfs"), 0, 0}) ||
         attacker.succeeds(SYS_umount2, {here, 2}) || attacker.succeeds(SYS_pivot_root, {here, here}) ||
         attacker.opens(SYS_open_tree, {kHere, here, 1}) ||
         attacker.opens(SYS_fsopen, {attacker.text("tmpfs"), 0});
}

bool write_sealed_content(Attacker& attacker) {
  const std::uint64_t byte = attacker.text("x");
  for (const int fd : attacker.memory_files()) {
    const auto file = static_cast<std::uint64_t>(fd);
    if (attacker.call(SYS_pwrite64, {file, byte, 1, 0}) > 0 || attacker.succeeds(SYS_ftruncate, {file, 0}))
      return true;
  }
  return false;
}

// As any account, with whatever identity can be had.
bool as_account(Attacker& attacker, bool (*act)(Attacker&)) {
  const std::uint64_t uid = attacker.around().account_uid;
  const long before = attacker.call(SYS_setfsuid, {uid});
  const bool done = act(attacker);
  if (before >= 0) attacker.call(SYS_setfsuid, {static_cast<std::uint64_t>(before)});
  return done || attacker.in_copy([uid, act](Attacker& copy) {
    copy.call(SYS_setresuid, {uid, uid, uid});
    return act(copy);
  });
}

bool list_mail(Attacker& attacker) {
  return as_account(attacker, [](Attacker& a) {
    const std::uint64_t path = a.text(a.around().account + "/cur");
    for (const std::uint64_t point : starting_points(a))
      if (a.opens(SYS_openat, {point, path, O_RDONLY | O_DIRECTORY})) return true;
    return false;
  });
}

bool read_mail(Attacker& attacker) {
  return as_account(attacker, [](Attacker& a) {
    const std::uint64_t path = a.text(a.around().message);
    for (const std::uint64_t point : starting_points(a))
      if (a.opens(SYS_openat, {point, path, O_RDONLY})) return true;
    return false;
  });
}

constexpr Primitive kPrimitives[] = {
    {"open-outside", open_outside},
    {"write-outside", write_outside},
    {"change-mode-outside", change_mode_outside},
    {"create-outside", create_outside},
    {"list-outside", list_outside},
    {"reach-outside", reach_outside},
    {"stat-outside", stat_outside},
    {"link-outside", link_outside},
    {"open-old-ways", open_old_ways},
    {"list-mail", list_mail},
    {"read-mail", read_mail},
    {"list-own-root", list_own_root},
    {"create-in-own-root", create_in_own_root},
    {"give-away-file", give_away_file},
    {"make-set-uid-file", make_set_uid_file},
    {"set-attribute", set_attribute},
    {"make-symbolic-link", make_symbolic_link},
    {"make-device", make_device},
    {"open-by-handle", open_by_handle},
    {"change-root", change_root},
    {"mount", mount},
    {"write-sealed-content", write_sealed_content},
};

}  // namespace

std::span<const Primitive> file_primitives() { return kPrimitives; }

}  // namespace breach
