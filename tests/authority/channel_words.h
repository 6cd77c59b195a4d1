// What each end of each channel may hear: the words with which hostile peers begin (hostile_peers.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "daemons/processes.h"
#include "tests/authority/raw_channel.h"

namespace mailroom::test {

// What decodes, with the descriptors that are due.
using Word = Packet;

struct Speech {
  std::string
      channel;  // a row of kChannels; of a connection's own channel that is opened over it: and its name
  Role hears{};
  std::vector<Word> words;  // one for each kind of message; none: this end never reads
  // Of a connection's own channel: what is said on `row`, with one end of a new pair, to open it.
  std::string row;
  std::function<std::string(std::uint64_t id)> opening = {};

  bool is_connections() const { return static_cast<bool>(opening); }
};

// All that a process of that role may hear: for each row of kChannels that it is an end of, and for the
// channels of connections that come over them.  Throws std::logic_error for a row that it does not know, so
// that a new channel has its hostile peers.
std::vector<Speech> speeches_to(Role role);

}  // namespace mailroom::test
