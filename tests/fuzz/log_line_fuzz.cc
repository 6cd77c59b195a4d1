// The log: whatever a client sends as a value and whatever a process writes to its pipe, a line of the log is
// one line of printable ASCII that names the process, and values do not become fields (SECURITY.md V4).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemons/log.h"
#include "daemons/logd/lines.h"

namespace {

using namespace mailroom;

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_one_printable_line(std::string_view line) {
  if (!line.ends_with('\n')) return false;
  line.remove_suffix(1);
  return std::ranges::all_of(line, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets{reinterpret_cast<const char*>(data), size};
  const std::string written =
      "[1] " + log::format(EventName{"login-failed"}.row(), {{"account", octets}, {"reason", "password"}});
  const auto parsed = log::parse_line(written);
  require(parsed && parsed->event->name == "login-failed" && parsed->fields.ends_with(" reason=password"));

  logd::LineAssembler assembler;
  const auto check = [](std::string_view line) {
    const auto rendered = logd::render("smtpd-mx", line, "1970-01-01T00:00:00.000000Z").text;
    require(is_one_printable_line(rendered) && rendered.starts_with("1970-01-01T00:00:00.000000Z smtpd-mx"));
  };
  assembler.feed(octets, check);
  check(assembler.take_rest());
  return 0;
}
