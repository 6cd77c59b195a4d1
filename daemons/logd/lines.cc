#include "daemons/logd/lines.h"

#include <algorithm>
#include <utility>

#include "daemons/log.h"
#include "libcommon/text/ascii.h"

namespace mailroom::logd {
namespace {

constexpr std::size_t kAdded = 8;  // to what comes in: spaces and a line end

// The value of the last field, when that is "dropped".
std::uint64_t dropped_in(std::string_view fields) {
  static constexpr std::string_view kDropped = " dropped=";
  const std::size_t at = fields.rfind(kDropped);
  return at == fields.npos ? 0
                           : parse_decimal<std::uint64_t>(fields.substr(at + kDropped.size())).value_or(0);
}

}  // namespace

void LineAssembler::feed(std::string_view octets, const std::function<void(std::string_view)>& on_line) {
  partial_ += octets;
  std::string_view rest = partial_;
  while (true) {
    const std::size_t end = rest.find('\n');
    if (end == rest.npos && rest.size() < log::kMaxLine) break;
    const std::size_t taken = std::min(end, log::kMaxLine);
    on_line(rest.substr(0, taken));
    rest.remove_prefix(taken == end ? taken + 1 : taken);
  }
  partial_.erase(0, partial_.size() - rest.size());
}

std::string LineAssembler::take_rest() { return std::exchange(partial_, {}); }

LogLine render(std::string_view process, std::string_view line, std::string_view time) {
  LogLine rendered{.text = {}, .event = &EventName{"stray-output"}.row()};
  std::string& text = rendered.text;
  text.reserve(time.size() + process.size() + line.size() + kAdded);
  text += time;
  text += ' ';
  text += process;
  if (const auto parsed = log::parse_line(line)) {
    rendered.event = parsed->event;
    rendered.dropped = dropped_in(parsed->fields);
    text += '[';
    text += std::to_string(parsed->pid);
    text += "] ";
    text += parsed->event->name;
    text += parsed->fields;
  } else {
    text += ' ';
    text += log::format(*rendered.event, {{"text", line}});
  }
  text += '\n';
  return rendered;
}

}  // namespace mailroom::logd
