// supervisor: decides what mailroomd starts, and connects it.
//
// SECURITY
//   Runs as root, but can neither start a program nor become anybody: mailroomd does, which it asks for rows
//   of a table.  It reads the configuration, binds the listening sockets, makes the channels of
//   daemons/processes.h, has mailroomd make the directories of accounts, and has started afresh what dies.
//   What it hears from the processes are small fixed messages: "ready", "make the directory of account 17",
//   "a child of mine crashed", "this channel is lost".  It reads no octet from the network, and links neither
//   OpenSSL nor LMDB nor libevent.  Behind its filter it reads files and binds TCP ports; it changes no file
//   and no directory, connects to nobody, signals nobody.
#include <cstdio>

#include "daemons/daemon.h"
#include "daemons/supervisor/supervisor.h"

int main(int argc, char** argv) {
  const auto options = mailroom::parse_options(argc, argv);
  if (!options) {
    std::fputs("supervisor: started by hand: mailroomd starts this program\n", stderr);
    return 2;
  }
  return mailroom::Supervisor{*options, mailroom::Fd{mailroom::kControlFd}}.run();
}
