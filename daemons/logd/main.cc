// logd puts the lines of all processes together and counts them.
//
// SECURITY: reads what every other process writes, among them those that talk to strangers, so it believes
// nothing: a line that is not exactly one event in printable ASCII is shown escaped as stray output.  Time
// and process name are its own knowledge, by the pipe a line came through.  Runs under a uid of its own in an
// empty root directory; holds the read ends of the log pipes, the standard error of mailroomd and the control
// socket of mr-metrics, nothing else.
#include "daemons/daemon.h"
#include "daemons/logd/server.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::logd, [](const Host& host) { return std::make_unique<logd::Server>(host); });
}
