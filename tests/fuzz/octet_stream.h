// A connection whose client sends the octets of an input and then closes.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/sys/stream.h"

namespace mailroom {

class OctetStream : public Stream {
 public:
  explicit OctetStream(std::string_view input) : input_{input} {}
  std::size_t read(std::span<char> into) override {
    const std::size_t count = input_.copy(into.data(), into.size());
    input_.remove_prefix(count);
    return count;
  }
  void write(std::string_view bytes) override { output += bytes; }
  void set_deadline(std::chrono::steady_clock::time_point) override {}

  std::string output;

 private:
  std::string_view input_;
};

}  // namespace mailroom
