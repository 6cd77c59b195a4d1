// What operators ask of the queue (mr-queue).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemons/base/tool_sessions.h"
#include "daemons/channels/tools_queued.h"
#include "daemons/queued/dispatcher.h"
#include "daemons/queued/route_desk.h"
#include "spool/queue/queue.h"

namespace mailroom::queued {

class ToolDesk {
 public:
  ToolDesk(event::Loop& loop, Fd listening, queue::Queue& queue, Dispatcher& dispatcher, RouteDesk& routes);

  // Takes over a connection to a tool; the control socket's are accepted without it.
  void add(Fd fd) { tools_.add(std::move(fd)); }

 private:
  void on_request(ToolId tool, const ToolToQueued& request);
  QueuePage page(QueueId after);
  QueueCount count() const;
  QueuedToTool show(QueueId id);
  void read(ToolId tool, QueueId id);
  // Of one message, or with id 0 of all.  It is answered when all of them are written down.
  using Apply = std::function<bool(QueueId, const Dispatcher::Done&)>;
  void change(ToolId tool, QueueId id, const char* word, const Apply& apply);
  QueuedToTool change_destination(const ChangeDestination& request);
  DestinationPage destinations(const std::string& after) const;
  ShownDestination shown(DestinationNumber number, const Destination& destination) const;
  void explain(ToolId tool, const ExplainRoute& request);
  MessageState state_of(QueueId id) const;
  std::string problem_of(QueueId id);
  std::uint64_t next_attempt(QueueId id) const;
  std::vector<ShownTarget> targets_of(QueueId id, const queue::Entry& entry, const queue::Envelope& envelope);
  QueuedMessage describe(QueueId id, const queue::Entry& entry, const queue::Envelope& envelope);

  queue::Queue& queue_;
  Dispatcher& dispatcher_;
  RouteDesk& routes_;
  ToolSessions<QueuedToTool, ToolToQueued> tools_;
};

}  // namespace mailroom::queued
