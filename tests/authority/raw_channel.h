// Packets as no honest program sends them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::test {

inline constexpr std::string_view kNoMessage = "\xff";  // no variant has so many alternatives
inline constexpr std::size_t kMostDescriptors = 253;    // of one packet: SCM_MAX_FD

struct Packet {
  std::string bytes;
  std::size_t descriptors = 0;  // how many come beside it
};

// As PacketSocket::send, without its limits and never waiting.  What errno says; 0 when it has been sent.
int send_packet(int channel, std::string_view bytes, std::span<const int> descriptors);

// Whether the other end has been closed; what it has said before is dropped.
bool is_closed(int channel);

// Whether the other end has received all that was sent.
bool is_heard(int channel);

// What comes of a message that is cut off, has something behind it, or is too long, and of one with more
// descriptors than any may have: none of it is a message.
std::vector<Packet> broken_forms_of(const Packet& message);

// To tell of it: its size and first octets.
std::string described(const Packet& packet);

}  // namespace mailroom::test
