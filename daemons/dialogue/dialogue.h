// Lines in, replies out, for engines whose clients may pipeline (SMTP, POP3).  Replies to pipelined commands
// leave together (RFC 2920 section 3.2): they are held until the client's next command has to be waited for.
#pragma once

#include <algorithm>
#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "daemons/dialogue/clock.h"
#include "libcommon/sys/line_reader.h"
#include "libcommon/sys/stream.h"

namespace mailroom {

class Dialogue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `command_time` is for one line of the client, and for the replies to it; no deadline is past
  // `session_end`.
  Dialogue(Stream& stream, Clock& clock, std::chrono::milliseconds command_time, Time session_end);

  // One line with its line end.  Throws StreamError, also at the end of the stream.
  std::expected<std::string_view, LineError> read_line(std::size_t limit);

  // Octets of content, at least one, until then.  Throws StreamError, also at the end of the stream.
  std::string_view read_content(std::size_t limit, Time deadline);
  // The last octets of what read_content returned were not content.
  void unread(std::size_t octets) { reader_.unread(octets); }

  // Output is appended here, and leaves with the next flush.
  std::string& out() { return out_; }
  // For output in portions: sends what is there when it is enough for one write.
  void flush_if_large() {
    if (out_.size() >= kLargeWrite) flush();
  }
  void flush() { send(std::min(clock_->now() + command_time_, session_end_)); }
  // The last words to a client: they may come a little behind the end of the session's time.
  void flush_farewell() { send(clock_->now() + kFarewellTime); }

  // Whether the client has sent more than has been taken.
  bool has_input() const { return reader_.has_buffered(); }
  std::string_view input() const { return reader_.buffered(); }
  // Octets that a process before this one has read.
  void preload(std::string_view input) { reader_.preload(input); }

  // Goes on under TLS.  Precondition: !has_input().
  void switch_to(Stream& stream);
  void set_deadline(std::chrono::milliseconds time) { set_deadline(clock_->now() + time); }

 private:
  static constexpr std::size_t kLargeWrite = 64 * 1024;
  static constexpr std::chrono::seconds kFarewellTime{5};

  void send(Time deadline);

  void set_deadline(Time deadline) { stream_->set_deadline(std::min(deadline, session_end_)); }
  bool has_whole_line() const { return reader_.buffered().find('\n') != std::string_view::npos; }

  Stream* stream_;
  Clock* clock_;
  std::chrono::milliseconds command_time_;
  Time session_end_;
  LineReader reader_;
  std::string out_;
  std::string sending_;
};

}  // namespace mailroom
