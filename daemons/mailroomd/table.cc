#include "daemons/mailroomd/table.h"

#include <cstdio>
#include <fmt/core.h>

#include "daemons/config/load.h"
#include "daemons/mailroomd/file_tree.h"
#include "daemons/processes.h"
#include "libcommon/sys/become.h"

namespace mailroom {
namespace {

struct Rights {
  uid_t uid;
  CapabilityMask capabilities;
};

Rights rights_of(const Config& config, const ProcessRow& row) {
  switch (row.identity) {
  case Identity::root:
    return {0, ~kNoCapabilities};
  case Identity::supervisor:
    return {0, kSupervisorCapabilities};
  case Identity::listener:
    return {0, kListenerCapabilities};
  case Identity::deliver:
    return {config.uids.daemons + uid_number(row.role), kDeliverCapabilities};
  case Identity::own:
    break;
  }
  return {config.uids.daemons + uid_number(row.role), kNoCapabilities};
}

}  // namespace

int print_table(const Options& options) {
  const auto config = config::load(options.config_file);
  if (!config) {
    std::fputs("mailroomd: the configuration has errors; mr-conf check shows them\n", stderr);
    return 1;
  }
  fmt::print("process\tname\tprogram\tuid\troot\tcapabilities\tholds\n");
  for (const ProcessRow& row : kProcesses) {
    const Rights rights = rights_of(*config, row);
    fmt::print("process\t{}\t{}\t{}\t{}\t{:x}\t{}\n", row.name, row.program, rights.uid,
               root_path(*config, row.root), rights.capabilities, row.holds);
  }
  for (const ChannelRow& row : kChannels)
    fmt::print("channel\t{}\t{}\t{}\n", row.name, process_row(row.asker).name, process_row(row.server).name);
  for (const TreeRow& row : file_tree(*config))
    fmt::print("file\t{}\t{}\t{:o}\t{}\n", row.path, row.owner, row.mode, row.purpose);
  return 0;
}

}  // namespace mailroom
