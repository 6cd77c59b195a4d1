#include "daemons/mailroomd/options.h"

#include <fcntl.h>
#include <getopt.h>

#include <cstdlib>

namespace mailroom {
namespace {

constexpr char kUsage[] = "usage: mailroomd [--config FILE] [--unprivileged] [--ready-fd N]\n"
                          "       mailroomd [--config FILE] --table\n";

}  // namespace

std::expected<Options, std::string> parse_options(int argc, char** argv) {
  Options options;
  const option known[] = {
      {"config", required_argument, nullptr, 'c'},   {"unprivileged", no_argument, nullptr, 'u'},
      {"ready-fd", required_argument, nullptr, 'r'}, {"table", no_argument, nullptr, 't'},
      {"foreground", no_argument, nullptr, 'f'},     {nullptr, 0, nullptr, 0}};
  ::opterr = 0;
  for (int choice; (choice = ::getopt_long(argc, argv, "c:", known, nullptr)) != -1;) {
    switch (choice) {
    case 'c':
      options.config_file = ::optarg;
      break;
    case 'u':
      options.unprivileged = true;
      break;
    case 'r': {
      char* end = nullptr;
      const long number = std::strtol(::optarg, &end, 10);
      if (*end != '\0' || number < 3 || number > 1023 || ::fcntl(static_cast<int>(number), F_GETFD) < 0)
        return std::unexpected(kUsage);
      options.ready_fd = static_cast<int>(number);
      break;
    }
    case 't':
      options.print_table = true;
      break;
    case 'f':
      break;  // it never goes anywhere else
    default:
      return std::unexpected(kUsage);
    }
  }
  if (::optind != argc) return std::unexpected(kUsage);
  return options;
}

}  // namespace mailroom
