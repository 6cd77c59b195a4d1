// DNS messages for tests, written octet by octet as RFC 1035 4 has them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom::test {

inline std::string u16(unsigned number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}
inline std::string u32(std::uint32_t number) { return u16(number >> 16) + u16(number & 0xffff); }

// "mx.example" as labels with their lengths; "" is the root.
inline std::string wire_name(std::string_view name) {
  std::string wire;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    wire += static_cast<char>(label.size());
    wire += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return wire + '\0';
}

// A pointer to the name of the question, which is the first after the header (RFC 1035 4.1.4).
inline const std::string kSameName{"\xc0\x0c", 2};

inline std::string record(const std::string& owner, unsigned type, std::uint32_t ttl,
                          const std::string& data) {
  return owner + u16(type) + u16(1) + u32(ttl) + u16(static_cast<unsigned>(data.size())) + data;
}

struct WireAnswer {
  unsigned code = 0;  // RCODE
  unsigned count = 0, authorities = 0;
  std::string records;

  WireAnswer& add(const std::string& owner, unsigned type, std::uint32_t ttl, const std::string& data) {
    ++count;
    records += record(owner, type, ttl, data);
    return *this;
  }
  WireAnswer& add_authority(const std::string& owner, unsigned type, std::uint32_t ttl,
                            const std::string& data) {
    ++authorities;
    records += record(owner, type, ttl, data);
    return *this;
  }
  std::string to(std::string_view name, unsigned type) const {
    return u16(4711) + u16(0x8180 | code) + u16(1) + u16(count) + u16(authorities) + u16(0) +
           wire_name(name) + u16(type) + u16(1) + records;
  }
};

}  // namespace mailroom::test
