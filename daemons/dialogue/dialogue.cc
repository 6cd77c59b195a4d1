#include "daemons/dialogue/dialogue.h"

namespace mailroom {

Dialogue::Dialogue(Stream& stream, Clock& clock, std::chrono::milliseconds command_time, Time session_end)
    : stream_{&stream}, clock_{&clock}, command_time_{command_time}, session_end_{session_end}, reader_{
                                                                                                    stream} {}

std::expected<std::string_view, LineError> Dialogue::read_line(std::size_t limit) {
  if (!has_whole_line()) flush();
  set_deadline(command_time_);
  auto line = reader_.read_line(limit);
  if (!line && line.error() == LineError::closed)
    throw StreamError(StreamError::Kind::closed, "client has gone");
  return line;
}

std::string_view Dialogue::read_content(std::size_t limit, Time deadline) {
  set_deadline(deadline);
  const std::string_view content = reader_.read_some(limit);
  if (content.empty()) throw StreamError(StreamError::Kind::closed, "client has gone within a message");
  return content;
}

void Dialogue::send(Time deadline) {
  if (out_.empty()) return;
  stream_->set_deadline(deadline);
  // Out of the way first: what a failed write has sent half of is never sent again.
  sending_.clear();
  sending_.swap(out_);
  stream_->write(sending_);
}

void Dialogue::switch_to(Stream& stream) {
  reader_.switch_to(stream);
  stream_ = &stream;
}

}  // namespace mailroom
