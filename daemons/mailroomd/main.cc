// mailroomd: the supervisor.
//
// SECURITY
//   Runs as root and reads no octet from the network: it binds the listening sockets, makes the channels of
//   daemons/processes.h, starts every process with its ends of them, and starts afresh what dies.  What it
//   hears from the processes are small fixed messages: "ready", "make the directory of account 17", "a child
//   of mine crashed".  It links neither OpenSSL nor LMDB nor libevent.
#include <cstdio>

#include "daemons/mailroomd/options.h"
#include "daemons/mailroomd/supervisor.h"
#include "daemons/mailroomd/table.h"

int main(int argc, char** argv) {
  const auto options = mailroom::parse_options(argc, argv);
  if (!options) {
    std::fputs(options.error().c_str(), stderr);
    return 2;
  }
  if (options->print_table) return mailroom::print_table(*options);
  return mailroom::Supervisor{*options}.run();
}
