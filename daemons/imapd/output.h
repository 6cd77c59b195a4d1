// Responses on their way to the client: collected, and sent when the client has to see them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "libcommon/sys/stream.h"

namespace mailroom::imapd {

class Output {
 public:
  // Each portion must be taken by the client within `patience`.
  Output(Stream& stream, std::chrono::seconds patience) : stream_{&stream}, patience_{patience} {}

  // What is appended here is sent by the next flush.
  std::string& text() { return text_; }
  void line(std::string_view content);

  // Sends when there is much to send; between the parts of a long answer.
  void flush_if_large() {
    if (text_.size() >= kLarge) flush();
  }
  void flush();

  // Sends `bytes` after what was collected, without copying them when they are many.
  void write_through(std::string_view bytes);

  // From now on reading must end by `deadline`, however much is sent meanwhile.
  void read_until(std::chrono::steady_clock::time_point deadline);

  // Continues on another stream (after STARTTLS).  Precondition: nothing is collected.
  void switch_to(Stream& stream) { stream_ = &stream; }

 private:
  static constexpr std::size_t kLarge = 65536;
  void send(std::string_view bytes);

  Stream* stream_;
  std::chrono::seconds patience_;
  std::chrono::steady_clock::time_point read_deadline_ = std::chrono::steady_clock::time_point::max();
  std::string text_;
};

}  // namespace mailroom::imapd
