// Commands out, replies in: one connection's dialogue as its client sees it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include "daemons/dialogue/clock.h"
#include "daemons/relayd/link.h"
#include "libcommon/protocol/smtp/reply_parser.h"

namespace mailroom::relayd {

// The dialogue has come to an end that decides nothing: the connection was cut, a reply did not come in time,
// or what came is not what this place of the dialogue has.
struct Cut : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The far side's replies are not those to our commands: what earlier ones were meant for is not known either.
struct Disorder : Cut {
  using Cut::Cut;
};

class Exchange {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Exchange(Link& link, Clock& clock) : link_{&link}, clock_{&clock} {}

  // Nothing may last longer than this, whatever each step allows.
  void set_end(Time end) { end_ = end; }
  // When a step that begins now and may take so long is over.
  Time deadline(std::chrono::milliseconds time) const { return std::min(clock_->now() + time, end_); }
  // The same of a step that leaves as much time as it takes for what may follow it.
  Time half_deadline(std::chrono::milliseconds time) const {
    const Time now = clock_->now();
    return std::min(now + time, now + (end_ - now) / 2);
  }

  // Commands are appended here, and leave with the next flush.
  std::string& out() { return out_; }

  // A far side that has closed does not stop this: what it said before may still be read.  Throws Cut when
  // the time is over, or when the far side has spoken while nothing was asked (`Asked::nothing`); Stopped, as
  // reply() does, when this process is told to end.
  enum class Asked : std::uint8_t { nothing, something };
  void flush(std::chrono::milliseconds time, Asked asked = Asked::nothing);

  // The next reply; the time is for all of it.  Throws Cut.
  smtp::ServerReply reply(std::chrono::milliseconds time);
  // Sends one command with its CRLF and takes its reply.
  smtp::ServerReply ask(std::string_view command, std::chrono::milliseconds time);

  // Whether the far side has said more than was taken: by what was read, and by what has arrived too.
  bool has_input() const { return begin_ != end_of_input_; }
  bool has_spoken();
  std::string_view input() const { return {input_.data() + begin_, end_of_input_ - begin_}; }

  // All that the far side needs to take the message has been flushed: its replies are waited for also when
  // this process is told to end, for so long.
  void await_outcome(std::chrono::milliseconds patience) {
    if (!write_failed_) link_->set_patience(patience);
  }
  // What is under way may be given up again.
  void await_nothing() { link_->set_patience(std::chrono::milliseconds::zero()); }
  bool is_told_to_end() const { return link_->is_told_to_end(); }

  // Some octets were not sent, because the far side had closed.
  bool write_failed() const { return write_failed_; }

 private:
  Link* link_;
  Clock* clock_;
  Time end_ = Time::max();
  std::string out_;
  smtp::ReplyParser parser_;
  std::array<char, 8192> input_;
  std::size_t begin_ = 0;
  std::size_t end_of_input_ = 0;
  bool write_failed_ = false;
};

}  // namespace mailroom::relayd
