// Opening and making files in directories whose content may be hostile (SECURITY.md V5): no link is followed,
// no open waits, and what is not a file or directory of this uid is refused.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/sys/fd.h"

namespace mailroom::mailbox {

// A failed system call.
struct SystemError : std::runtime_error {
  SystemError(int number, const std::string& what);
  int number;
};

// The account's directory itself: its path is the caller's to choose.
Fd open_root(const std::string& path);

// Whose a file may be: an import reads what others own.
enum class Owner : std::uint8_t { self, anyone };

// A directory inside `parent`, owned by this uid, made (0700) when it is missing: then `made` says so, and
// the caller syncs `parent`.  Throws SystemError.
enum class Made : std::uint8_t { no, yes };
Fd open_directory(int parent, const char* name, Made& made);
// The same for one that is there, whoever owns it; nothing when it is missing or something else.
std::optional<Fd> open_foreign_directory(int parent, const char* name);

// A regular file for reading; nothing when it is missing, is anything else, or is another uid's
// (Owner::self).
struct OpenFile {
  Fd fd;
  struct stat status {};
};
std::optional<OpenFile> open_regular(int directory, const char* name, Owner owner = Owner::self);

// A new file for writing, 0600.  Throws SystemError, also when the name is taken.
Fd create_file(int directory, const char* name);

// A regular file for writing that may be there already, 0600.  Throws SystemError when it is something else.
Fd open_writable(int directory, const char* name);

// The whole content, at most `limit` octets; nothing when it cannot be read to the length that fstat told.
std::optional<std::string> read_all(const OpenFile& file, std::uint64_t limit);

// Of the whole content, or of as much as can be read.
std::uint32_t checksum_of(const OpenFile& file);

// Names in the directory but "." and "..", in no order.
std::vector<std::string> names_in(int directory);

// All throw SystemError.
void write_all(int fd, std::string_view octets);
void sync_data(int fd);
void sync_directory(int fd);
void sync_file_system(int fd);

// False when there was nothing to remove; anything but a missing name throws.
bool remove_file(int directory, const char* name);

// Removes files (not directories) whose name `matches` and that were last changed `age` seconds before `now`.
void remove_stale(int directory, std::int64_t now, std::int64_t age, bool (*matches)(std::string_view name));

// A fresh append id (file_name.h): 64 random bits.
std::string random_append_id();

}  // namespace mailroom::mailbox
