#include "tests/authority/raw_channel.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "libcommon/ipc/channel.h"

namespace mailroom::test {

int send_packet(int channel, std::string_view bytes, std::span<const int> descriptors) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  return ::sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ? 0 : errno;
}

bool is_closed(int channel) {
  char octets[4096];
  for (;;) {
    const ssize_t got = ::recv(channel, octets, sizeof octets, MSG_DONTWAIT);
    if (got > 0) continue;
    return got == 0 || errno != EAGAIN;
  }
}

bool is_heard(int channel) {
  int waiting = 0;
  return ::ioctl(channel, SIOCOUTQ, &waiting) != 0 || waiting == 0;
}

std::vector<Packet> broken_forms_of(const Packet& message) {
  std::vector<Packet> all;
  for (std::size_t size = 1; size < message.bytes.size(); ++size)
    all.push_back({message.bytes.substr(0, size), message.descriptors});
  all.push_back({message.bytes + '\0', message.descriptors});
  std::string oversized = message.bytes;
  oversized.resize(ipc::kMaxPacket + 1);
  all.push_back({std::move(oversized), message.descriptors});
  for (const std::size_t more : {2UL, 7UL, 8UL, 9UL, 64UL, kMostDescriptors})
    all.push_back({message.bytes, more});
  return all;
}

std::string described(const Packet& packet) {
  constexpr std::size_t kShown = 24;
  std::string text = std::to_string(packet.bytes.size()) + " octets";
  if (packet.descriptors > 0) text += " with " + std::to_string(packet.descriptors) + " descriptors";
  text += ":";
  char digits[4];
  for (std::size_t i = 0; i < std::min(packet.bytes.size(), kShown); ++i) {
    std::snprintf(digits, sizeof digits, " %02x", static_cast<unsigned char>(packet.bytes[i]));
    text += digits;
  }
  return text;
}

}  // namespace mailroom::test
