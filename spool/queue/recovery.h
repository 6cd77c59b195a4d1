// Brings a queue back after any end of the process or of the machine.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "spool/queue/index.h"
#include "spool/queue/log.h"
#include "spool/queue/storage.h"

namespace mailroom::queue {

// For the operator: what was found that should not be there.  Nothing of it is thrown away; damaged bytes are
// also copied to quarantine/.
struct Damage {
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::string what;
  auto operator<=>(const Damage&) const = default;
};

struct Recovered {
  Index index;
  Segments segments;
  SegmentNumber highest_number = 0;
  std::vector<Damage> damage;
  std::uint64_t records = 0;
  std::uint64_t cut_octets = 0;  // written but never acknowledged
  std::uint64_t orphans = 0;     // content files of messages that were never accepted
};

// Reads record heads only; the content just of the last batch, to tell a batch that the power cut in two.
// What is given back is on disk, also where a process died before it had synced it.  Fails with a text when
// the directory cannot be read or written: then nothing was changed that mattered.
std::expected<Recovered, std::string> recover(Storage& storage);

}  // namespace mailroom::queue
