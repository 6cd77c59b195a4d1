// mr-queue destinations, mr-queue route, and what changes destinations.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/routing/sender_tls.h"
#include "tools/queue_tool.h"

namespace mailroom {

using Answered = std::expected<void, std::string>;

Answered show_destinations(Queued& queued, Format format);

// `address` is an address, or a domain.
Answered show_route(Queued& queued, const std::string& address, routing::SenderTls tls, Format format);

std::optional<DestinationChange> destination_change(std::string_view verb);
Answered change_destination(Queued& queued, const std::string& key, DestinationChange change);

}  // namespace mailroom
