// The command line of mailroomd(8).
#pragma once

#include <expected>
#include <string>

namespace mailroom {

struct Options {
  std::string config_file = "/etc/mailroom/mailroom.conf";
  bool unprivileged = false;
  bool print_table = false;
  int ready_fd = -1;  // gets one line and is closed when everything is ready
};

// The error is a usage text.
std::expected<Options, std::string> parse_options(int argc, char** argv);

}  // namespace mailroom
