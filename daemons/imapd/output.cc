#include "daemons/imapd/output.h"

#include <algorithm>

namespace mailroom::imapd {

void Output::line(std::string_view content) { text_.append(content).append("\r\n"); }

void Output::send(std::string_view bytes) {
  stream_->set_deadline(std::chrono::steady_clock::now() + patience_);
  stream_->write(bytes);
  stream_->set_deadline(read_deadline_);
}

void Output::read_until(std::chrono::steady_clock::time_point deadline) {
  read_deadline_ = deadline;
  stream_->set_deadline(deadline);
}

void Output::flush() {
  if (text_.empty()) return;
  send(text_);
  text_.clear();
}

void Output::write_through(std::string_view bytes) {
  if (text_.size() + bytes.size() < kLarge) {
    text_ += bytes;
    return;
  }
  flush();
  while (!bytes.empty()) {
    const std::size_t portion = std::min(bytes.size(), kLarge * 4);
    send(bytes.substr(0, portion));
    bytes.remove_prefix(portion);
  }
}

}  // namespace mailroom::imapd
