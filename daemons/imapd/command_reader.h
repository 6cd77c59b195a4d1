// Reads whole commands: lines and literals, within limits, inviting the literals that fit.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/imapd/output.h"
#include "libcommon/protocol/imap/frame.h"
#include "libcommon/sys/line_reader.h"

namespace mailroom::imapd {

// What to do with an announced literal that is within the limits.
enum class LiteralVerdict {
  take,    // it is part of the command's text
  refuse,  // this command has no literal here
  leave,   // the command reads it by itself: the message of APPEND
};
// Asked with the text before the literal's header.
using LiteralGate = std::function<LiteralVerdict(std::string_view before)>;

struct ReadCommand {
  std::string text;                            // without the last CRLF, or up to the header of `pending`
  std::optional<imap::LiteralHeader> pending;  // left to the command, not invited yet
};

// A command that was not read; the input stands behind it.
struct ReadRefusal {
  enum class Kind {
    closed,  // the client is gone
    bad,     // to be answered BAD
    lost,    // to be answered, and the connection ended: what follows cannot be told from commands
  };
  Kind kind = Kind::bad;
  std::string tag;  // "*" when none could be read
  const char* text = "";
};

class CommandReader {
 public:
  CommandReader(LineReader& input, Output& output, const imap::FrameLimits& limits, LiteralGate gate)
      : input_{&input}, output_{&output}, limits_{limits}, gate_{std::move(gate)} {}

  // Sends what is collected before it waits.  Throws StreamError.
  std::expected<ReadCommand, ReadRefusal> read();

  // Discards a literal that the client sends without being asked to, and the rest of its command.  False when
  // it is too large to wait for, or the client is gone.
  bool discard(std::uint64_t size);

  // Octets that are read only to be thrown away.
  static constexpr std::uint64_t kMaxDiscard = 4 * 1048576;

 private:
  std::expected<imap::CommandFrame::Step, ReadRefusal> add_line(imap::CommandFrame& frame);
  std::optional<ReadRefusal> take_literal(imap::CommandFrame& frame);
  ReadRefusal refuse_literal(const imap::CommandFrame& frame, const char* text);

  LineReader* input_;
  Output* output_;
  imap::FrameLimits limits_;
  LiteralGate gate_;
};

}  // namespace mailroom::imapd
