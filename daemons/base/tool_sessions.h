// The tools (mr-account, mr-queue ...) that are connected to a server's control socket.  The socket is a Unix
// SEQPACKET socket that the supervisor bound, 0600; who can connect to it may ask for everything.  One
// request at a time from each tool.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "daemons/log.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom {

using ToolId = std::uint64_t;  // never used twice within a process

// Tools at the same time; a further one is turned away.
inline constexpr std::size_t kMaxTools = 64;

template <typename Answer, typename Request>
class ToolSessions {
 public:
  using OnRequest = std::function<void(ToolId, Request&&)>;

  // Without a socket (tests, a system without tools) there are no sessions.
  ToolSessions(event::Loop& loop, Fd listening, OnRequest on_request)
      : loop_{loop}, listening_{std::move(listening)}, on_request_{std::move(on_request)} {
    if (listening_)
      acceptable_ = std::make_unique<event::ReadWatch>(loop_, listening_.get(), [this] { accept_one(); });
  }

  // Takes over a connection to a tool.
  void add(Fd fd) {
    const ToolId id = ++last_;
    sessions_.emplace(
        id, std::make_unique<Session>(
                loop_, std::move(fd), 0,
                [this, id](Request&& request, std::vector<Fd>&&) { on_request_(id, std::move(request)); },
                [this, id](event::ChannelEnd why) { end(id, why); }));
  }

  // Nothing happens when the tool has gone.
  void answer(ToolId id, const Answer& answer) {
    if (const auto found = sessions_.find(id); found != sessions_.end()) found->second->send(answer);
  }

 private:
  using Session = event::ChannelHandler<Answer, Request>;

  void accept_one() {
    Fd fd{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (fd && sessions_.size() < kMaxTools) add(std::move(fd));
  }

  void end(ToolId id, event::ChannelEnd why) {
    if (why != event::ChannelEnd::closed)
      log::write("channel-closed", {{"channel", "tool"}, {"reason", event::channel_end_name(why)}});
    sessions_.erase(id);
  }

  event::Loop& loop_;
  Fd listening_;
  OnRequest on_request_;
  std::unique_ptr<event::ReadWatch> acceptable_;
  std::map<ToolId, std::unique_ptr<Session>> sessions_;
  ToolId last_ = 0;
};

}  // namespace mailroom
