#include "daemons/logd/lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemons/log.h"

namespace mailroom::logd {

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

std::string render(std::string_view process, std::string_view line, std::int64_t microseconds_since_1970) {
  const auto time = log::timestamp(microseconds_since_1970);
  if (const auto parsed = log::parse_line(line))
    return fmt::format("{} {}[{}] {}{}\n", time, process, parsed->pid, parsed->event->name, parsed->fields);
  return fmt::format("{} {} {}\n", time, process,
                     log::format(EventName{"stray-output"}.row(), {{"text", line}}));
}

}  // namespace mailroom::logd
