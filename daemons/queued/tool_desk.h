// What operators ask of the queue (mr-queue).
#pragma once

#include <functional>

#include "daemons/base/tool_sessions.h"
#include "daemons/channels/tools_queued.h"
#include "daemons/queued/dispatcher.h"
#include "spool/queue/queue.h"

namespace mailroom::queued {

class ToolDesk {
 public:
  ToolDesk(event::Loop& loop, Fd listening, queue::Queue& queue, Dispatcher& dispatcher);

  // Takes over a connection to a tool; the control socket's are accepted without it.
  void add(Fd fd) { tools_.add(std::move(fd)); }

 private:
  void on_request(ToolId tool, const ToolToQueued& request);
  QueuePage page(QueueId after);
  QueueCount count() const;
  QueuedToTool show(QueueId id);
  void read(ToolId tool, QueueId id);
  // Of one message, or with id 0 of all.
  QueuedToTool change(QueueId id, const char* word, const std::function<bool(QueueId)>& apply);
  MessageState state_of(QueueId id) const;
  QueuedMessage describe(QueueId id, const queue::Entry& entry, const queue::Envelope& envelope);

  queue::Queue& queue_;
  Dispatcher& dispatcher_;
  ToolSessions<QueuedToTool, ToolToQueued> tools_;
};

}  // namespace mailroom::queued
