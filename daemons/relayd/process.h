// The process of one outbound connection: takes Connect, then messages, from the channel it was handed.
#pragma once

#include "daemons/channels/relayd.h"
#include "daemons/config.h"
#include "libcommon/sys/fd.h"
#include "libcommon/tls/client_context.h"

namespace mailroom::relayd {

// The process holds these descriptors and the log pipe, nothing else.
struct RelayProcess {
  const Config& config;
  tls::ClientContext& tls;
  RelayId relay = 0;
  Fd to_queued;
  Fd to_authd;  // invalid: no credentials
};

// Returns when the connection is over, or queued has closed the channel.
void run_relay(RelayProcess& process);

}  // namespace mailroom::relayd
