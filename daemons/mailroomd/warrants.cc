#include "daemons/mailroomd/warrants.h"

#include "daemons/daemon.h"
#include "daemons/mailroomd/file_tree.h"
#include "daemons/mailroomd/sealed_memfd.h"
#include "libcommon/ipc/codec.h"

namespace mailroom {
namespace {

std::vector<std::uint16_t> ports_of(Role role, const Config& config) {
  std::vector<std::uint16_t> ports;
  const auto add = [&ports](const std::vector<IpAddress>& servers) {
    for (const IpAddress& server : servers) ports.push_back(server.port);
  };
  if (role == Role::stsd) ports.push_back(static_cast<std::uint16_t>(config.stsd.port));
  if (role == Role::kdcd) add(config.kerberos.kdcs);
  if (role != Role::dnsd) return ports;
  ports.push_back(kDnsPort);
  add(config.dnsd.forward);
  for (const DnsStubConfig& stub : config.dnsd.stubs) add(stub.servers);
  return ports;
}

}  // namespace

Warrants::Warrants(const Config& config, bool unprivileged) {
  for (const ProcessRow& row : kProcesses) {
    if (!roots_.contains(row.root)) roots_.emplace(row.root, open_directory(root_path(config, row.root)));
    warrants_.push_back(sealed_memfd(ipc::encode(Warrant{.role = row.role,
                                                         .unprivileged = unprivileged,
                                                         .uids = config.uids,
                                                         .any_port = row.role == Role::relayd,
                                                         .ports = ports_of(row.role, config)})));
  }
}

std::vector<int> Warrants::first_descriptors(Role role, int control, int launch) const {
  static_assert(kLaunchFd == kControlFd + 1 && kWarrantFd == kControlFd + 2 && kRootFd == kControlFd + 3 &&
                kMailFd == kControlFd + 4 && kFirstPassedFd == kControlFd + 5);
  const ProcessRow& row = process_row(role);
  return {control, launch, warrants_[static_cast<std::size_t>(role)].get(), roots_.at(row.root).get(),
          row.calls == Calls::session_listener ? spool_mail() : -1};
}

}  // namespace mailroom
