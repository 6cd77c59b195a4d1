// Which service the listeners for clients serve.
#pragma once

#include <optional>
#include <string_view>

#include "daemons/channels/types.h"
#include "daemons/processes.h"

namespace mailroom {

// Nothing for what is no such listener.
constexpr std::optional<Service> service_of(Role role) {
  switch (role) {
  case Role::smtpd_mx:
    return Service::mx;
  case Role::smtpd_submission:
    return Service::submission;
  case Role::smtpd_outgoing:
    return Service::outgoing;
  case Role::smtpd_relay:
    return Service::relay;
  case Role::pop3d:
    return Service::pop3;
  case Role::kpopd:
    return Service::kpop;
  case Role::imapd:
    return Service::imap;
  default:
    return {};
  }
}

// Of who asks by a channel of this name, as the supervisor has said it to the one who answers: a listener
// speaks for its own service alone, whatever it says.
constexpr std::optional<Service> service_of_asker(std::string_view channel) {
  const ChannelRow* row = channel_row(channel);
  return row == nullptr ? std::nullopt : service_of(row->asker);
}

}  // namespace mailroom
