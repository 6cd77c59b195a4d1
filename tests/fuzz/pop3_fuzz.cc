// POP3: command lines, and dot-stuffing that an exact client undoes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/protocol/pop3/command.h"
#include "libcommon/protocol/pop3/multi_line.h"

using namespace mailroom::pop3;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// RFC 1939 section 3, by its words: lines up to the one that is a dot.
std::string read_multi_line(std::string_view wire) {
  std::string message;
  while (!wire.empty()) {
    const std::size_t end = wire.find("\r\n");
    require(end != std::string_view::npos);
    std::string_view line = wire.substr(0, end);
    wire.remove_prefix(end + 2);
    if (line == ".") {
      require(wire.empty());
      return message;
    }
    if (line.starts_with('.')) line.remove_prefix(1);
    message.append(line).append("\r\n");
  }
  std::abort();
}

void check_stuffing(std::string_view message, std::size_t portion) {
  DotStuffer stuffer{message};
  std::string wire;
  while (!stuffer.is_done()) stuffer.append_some(wire, portion);
  std::string expected{message};
  if (!message.empty() && !message.ends_with("\r\n")) expected += "\r\n";
  require(read_multi_line(wire) == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input{reinterpret_cast<const char*>(data) + 1, size - 1};
  if (const auto command = split_command_line(input)) {
    (void)parse_message_number(command->argument);
    (void)parse_top(command->argument);
    (void)parse_auth(command->argument);
  }
  check_stuffing(input, 1 + data[0] % 50);
  require(top_length(input, data[0]) <= input.size());
  return 0;
}
