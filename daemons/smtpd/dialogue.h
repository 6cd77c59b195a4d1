// Lines in, replies out.  Replies to pipelined commands leave together (RFC 2920 section 3.2): they are held
// until the client's next command has to be waited for.
#pragma once

#include <algorithm>
#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "daemons/channels/types.h"
#include "daemons/smtpd/clock.h"
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
  // The end of what read_content returned last was not content.
  void unread(std::string_view rest) { reader_.preload(rest); }

  void reply(const Reply& reply);
  void flush() { flush(command_time_); }
  void flush(std::chrono::milliseconds time);

  // Whether the client has sent more than has been taken.
  bool has_input() const { return reader_.has_buffered(); }

  // Goes on under TLS.  Precondition: !has_input().
  void switch_to(Stream& stream);
  void set_deadline(std::chrono::milliseconds time) { set_deadline(clock_->now() + time); }

 private:
  void set_deadline(Time deadline) { stream_->set_deadline(std::min(deadline, session_end_)); }
  bool has_whole_line() const { return reader_.buffered().find('\n') != std::string_view::npos; }

  Stream* stream_;
  Clock* clock_;
  std::chrono::milliseconds command_time_;
  Time session_end_;
  LineReader reader_;
  std::string replies_;
};

}  // namespace mailroom
