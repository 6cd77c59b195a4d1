// What a relay process is asked: packets of daemons/channels/relayd.h, as large as they may be.  Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "daemons/channels/relayd.h"
#include "daemons/queued/open_messages.h"
#include "libcommon/routing/order.h"

namespace mailroom::queued {

// As many of the hops as one packet holds.
Connect connect_of(const routing::Plan& plan, std::vector<routing::NextHop> hops);

// How many of the targets from `first` on go into one Send.
std::size_t count_for_one_send(const OpenMessage& message, const std::vector<std::uint32_t>& targets,
                               std::size_t first);

// The descriptor of longer content goes along with it.
Send send_of(const OpenMessage& message, const std::vector<std::uint32_t>& targets);

}  // namespace mailroom::queued
