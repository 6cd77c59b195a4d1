#include "daemons/imapd/command_reader.h"

#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd {

using imap::CommandFrame;

std::expected<CommandFrame::Step, ReadRefusal> CommandReader::add_line(CommandFrame& frame) {
  if (!input_->has_buffered()) output_->flush();
  const auto line = input_->read_line(frame.line_budget());
  const auto tag = [&](std::string_view start) {
    return imap::tag_of(frame.text().empty() ? start : frame.text());
  };
  if (!line) {
    if (line.error() == LineError::closed)
      return std::unexpected(ReadRefusal{ReadRefusal::Kind::closed, "*"});
    return std::unexpected(
        ReadRefusal{ReadRefusal::Kind::bad, tag(input_->too_long_start()), "The command is too long"});
  }
  const std::string line_tag = tag(*line);
  const CommandFrame::Step step = frame.add_line(*line);
  if (step == CommandFrame::Step::bad_line) {
    return std::unexpected(
        ReadRefusal{ReadRefusal::Kind::bad, line_tag, "A line ends with CR LF and holds no NUL"});
  }
  if (step == CommandFrame::Step::too_long) {
    return std::unexpected(ReadRefusal{ReadRefusal::Kind::bad, line_tag, "The command is too long"});
  }
  return step;
}

bool CommandReader::discard(std::uint64_t size) {
  for (std::uint64_t total = 0;;) {
    total += size;
    if (size > kMaxDiscard || total > kMaxDiscard) return false;
    while (size > 0) {
      const std::string_view some = input_->read_some(std::min<std::uint64_t>(size, kMaxDiscard));
      if (some.empty()) return false;
      size -= some.size();
    }
    const auto line = input_->read_line(limits_.lines);
    if (!line) return line.error() == LineError::too_long;
    total += line->size();
    const auto next = imap::announced_literal(line->substr(0, line->find_last_not_of("\r\n") + 1));
    if (!next || next->synchronizing) return true;
    size = next->size;
  }
}

ReadRefusal CommandReader::refuse_literal(const CommandFrame& frame, const char* text) {
  ReadRefusal refusal{ReadRefusal::Kind::bad, imap::tag_of(frame.text()), text};
  if (!frame.announced().synchronizing && !discard(frame.announced().size))
    refusal.kind = ReadRefusal::Kind::lost;
  return refusal;
}

std::optional<ReadRefusal> CommandReader::take_literal(CommandFrame& frame) {
  if (frame.announced().synchronizing) {
    output_->line("+ Ready for the literal");
    output_->flush();
  }
  for (std::uint64_t left = frame.announced().size; left > 0;) {
    const std::string_view some = input_->read_some(left);
    if (some.empty()) return ReadRefusal{ReadRefusal::Kind::closed, "*"};
    frame.add_literal(some);
    left -= some.size();
  }
  return std::nullopt;
}

std::expected<ReadCommand, ReadRefusal> CommandReader::read() {
  CommandFrame frame{limits_};
  for (;;) {
    const auto step = add_line(frame);
    if (!step) return std::unexpected(step.error());
    if (*step == CommandFrame::Step::complete) return ReadCommand{std::string{frame.text()}, std::nullopt};
    const LiteralVerdict verdict = gate_(frame.text_before_literal());
    if (verdict == LiteralVerdict::leave) {
      return ReadCommand{std::string{frame.text_before_literal()}, frame.announced()};
    }
    if (verdict == LiteralVerdict::refuse) {
      return std::unexpected(refuse_literal(frame, "This command takes no literal here"));
    }
    if (!frame.literal_fits()) return std::unexpected(refuse_literal(frame, "The literal is too large"));
    if (auto refusal = take_literal(frame)) return std::unexpected(std::move(*refusal));
  }
}

}  // namespace mailroom::imapd
