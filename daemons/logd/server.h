// logd: one pipe for each process, one log.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemons/base/tool_sessions.h"
#include "daemons/channels/tools_logd.h"
#include "daemons/daemon.h"

namespace mailroom::logd {

class Server final : public mailroom::Server {
 public:
  explicit Server(const Host& host);
  ~Server() override;

  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;

  // Writes what is still in the pipes.  The supervisor drains logd last.
  void drain() override;

 private:
  class Pace;
  class Pipe;
  void add(const std::string& process, Fd fd);
  void on_request(ToolId tool, const CountEvents& request);

  const Host& host_;
  std::unique_ptr<Pace> pace_;
  std::vector<std::unique_ptr<Pipe>> pipes_;
  ToolSessions<LogdToTool, ToolToLogd> tools_;
};

}  // namespace mailroom::logd
