// What the log has of the end of a channel.
#pragma once

#include <string_view>

#include "daemons/log.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom {

// Nothing when the peer closed it: it has ended, of which the supervisor speaks if nobody asked it to, or it
// had a reason, of which it speaks itself.
inline void log_channel_end(std::string_view channel, std::string_view peer, event::ChannelEnd why) {
  if (why == event::ChannelEnd::closed) return;
  log::write("channel-closed",
             {{"channel", channel}, {"peer", peer}, {"reason", event::channel_end_name(why)}});
}

}  // namespace mailroom
