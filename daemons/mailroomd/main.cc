// mailroomd: starts the mail system.
//
// SECURITY
//   Runs as root, since it starts every process, and each of them gives up root's rights itself.  Who each is
//   and which directory is its root it tells them alone, by the configuration that it has read before it
//   hears anybody; a program reads what the supervisor says to it when it has become that.  It hears nobody
//   but the supervisor: which row of its table to start, which process to end, which account's directory to
//   make or to put aside.  What the processes say, the configuration at a reload and all that changes is the
//   supervisor's.  It reads no octet from the network, and links neither OpenSSL nor LMDB nor libevent.
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "daemons/log.h"
#include "daemons/mailroomd/configuration.h"
#include "daemons/mailroomd/file_tree.h"
#include "daemons/mailroomd/options.h"
#include "daemons/mailroomd/spawner.h"
#include "daemons/mailroomd/table.h"
#include "libcommon/sys/jail.h"
#include "libcommon/sys/kept_descriptors.h"

namespace {

using namespace mailroom;

int refuse(std::string_view reason) {
  log::write("start-failed", {{"process", "mailroomd"}, {"reason", reason}});
  return 1;
}

int start(const Options& options) {
  close_all_but({options.ready_fd});  // whatever who started it had open
  log::set_up({.fd = STDERR_FILENO, .level = LogLevel::info, .name = "mailroomd"});
  const auto loaded = load_configuration_for_start(options.config_file);
  if (!loaded) return 1;
  log::set_up({.fd = STDERR_FILENO, .level = loaded->config.log.level, .name = "mailroomd"});
  for (const std::string& feature : missing_kernel_features())
    log::write("kernel-lacks", {{"feature", feature}, {"consequence", "one wall less around each process"}});
  if (!options.unprivileged && !has_mandatory_features()) return refuse("this kernel has no seccomp filters");
  if (!options.unprivileged && ::geteuid() != 0) return refuse("not root: use --unprivileged to try it out");
  try {
    make_file_tree(loaded->config, options.unprivileged);
    return Spawner{options, loaded->config}.run();
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (!options) {
    std::fputs(options.error().c_str(), stderr);
    return 2;
  }
  return options->print_table ? print_table(*options) : start(*options);
}
