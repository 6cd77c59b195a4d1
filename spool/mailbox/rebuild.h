// Checking an account and making its index anew.
#pragma once

#include <string>
#include <vector>

#include "spool/mailbox/mailbox.h"

namespace mailroom::mailbox {

enum class Depth : std::uint8_t { sizes, checksums };

struct Problem {
  enum class Kind : std::uint8_t { missing_file, damaged_file, unknown_file, index };
  Kind kind = Kind::index;
  std::string text;
};

struct Verification {
  std::uint64_t folders = 0;
  std::uint64_t messages = 0;
  std::uint64_t files = 0;
  std::vector<Problem> problems;
};

// Compares every row of the index with the others and with the files; `checksums` reads every file.  Changes
// nothing.
Result<Verification> verify(Mailbox& mailbox, Depth depth);

// Sets the index aside (index/data.mdb.broken, replacing an earlier one) and makes a new one from the last
// snapshot and the files of cur/.  Folders that the snapshot did not have, or all without a snapshot, get a
// new UIDVALIDITY. Failure::in_use while any process has the mailbox open.
Result<Rebuilt> rebuild(const Options& options);

}  // namespace mailroom::mailbox
