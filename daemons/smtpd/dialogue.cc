#include "daemons/smtpd/dialogue.h"

#include <utility>

#include "daemons/smtpd/session_limits.h"
#include "libcommon/protocol/smtp/reply.h"

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

void Dialogue::reply(const Reply& reply) {
  smtp::append_reply(replies_, reply.code, reply.enhanced, reply.text);
  if (replies_.size() > kMaxHeldReplies) flush();
}

void Dialogue::flush(std::chrono::milliseconds time) {
  if (replies_.empty()) return;
  set_deadline(time);
  const std::string replies = std::exchange(replies_, {});
  stream_->write(replies);
}

void Dialogue::switch_to(Stream& stream) {
  reader_.switch_to(stream);
  stream_ = &stream;
}

}  // namespace mailroom
