// How the desks of policyd reach the other processes.  None of these blocks or calls back.
#pragma once

#include <optional>

#include "daemons/channels/authd.h"
#include "daemons/channels/control.h"
#include "daemons/channels/policyd.h"

namespace mailroom::policyd {

// A listener's channel to this process; never used twice.
using ListenerKey = std::uint64_t;

// What a listener has said of one of its connections.
struct Connection {
  ConnectionId id = 0;
  Service service = Service::mx;
  IpAddress peer;
  ListenerKey listener = 0;
};

class Peers {
 public:
  virtual ~Peers() = default;

  // The connection, if a listener has opened it and not closed it.
  virtual const Connection* find(ConnectionId id) = 0;

  virtual void tell_authd(const PolicydToAuthd& message) = 0;
  virtual void tell_listener(ListenerKey listener, const PolicydToListener& message) = 0;
  virtual void tell_session_listeners(const EndSessions& message) = 0;  // all of POP and IMAP
  virtual void tell_supervisor(const ProcessToSupervisor& message) = 0;

  // False when queued is not there.
  virtual bool tell_queued(const PolicydToQueued& message) = 0;
};

}  // namespace mailroom::policyd
