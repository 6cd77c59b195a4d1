#include "daemons/relayd/exchange.h"

#include <algorithm>

namespace mailroom::relayd {

void Exchange::flush(std::chrono::milliseconds time, Asked asked) {
  if (asked == Asked::nothing && has_input()) throw Disorder("the far side spoke out of turn");
  if (!write_failed_ && !out_.empty()) {
    link_->stream().set_deadline(deadline(time));
    try {
      link_->stream().write(out_);
    } catch (const Stopped&) {
      throw;
    } catch (const StreamError& error) {
      if (error.kind == StreamError::Kind::timeout) throw Cut("the far side took nothing in time");
      write_failed_ = true;
    }
  }
  out_.clear();
}

smtp::ServerReply Exchange::reply(std::chrono::milliseconds time) {
  link_->stream().set_deadline(deadline(time));
  for (;;) {
    if (!has_input()) {
      try {
        begin_ = 0;
        end_of_input_ = link_->stream().read(input_);
      } catch (const Stopped&) {
        throw;
      } catch (const StreamError& error) {
        end_of_input_ = 0;
        throw Cut(error.kind == StreamError::Kind::timeout ? "no reply in time" : error.what());
      }
      if (end_of_input_ == 0) throw Cut("the far side closed the connection");
    }
    const auto step = parser_.feed(input());
    if (!step) throw Cut(words_for(step.error()));
    begin_ += step->consumed;
    if (step->complete) return parser_.take();
  }
}

smtp::ServerReply Exchange::ask(std::string_view command, std::chrono::milliseconds time) {
  out_ += command;
  flush(time);
  return reply(time);
}

bool Exchange::has_spoken() {
  if (has_input()) return true;
  try {
    begin_ = 0;
    end_of_input_ = link_->read_arrived(input_);
  } catch (const StreamError&) {
    end_of_input_ = 0;
    throw Cut("the far side closed the connection");
  }
  return has_input();
}

}  // namespace mailroom::relayd
