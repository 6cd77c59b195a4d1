// Waiting for the client or for the mailbox, whichever comes first.
#pragma once

#include <chrono>

#include "libcommon/sys/stream.h"
#include "spool/mailbox/watch.h"

namespace mailroom::imapd {

class Wait {
 public:
  enum class Woke { client, mailbox, deadline };
  virtual ~Wait() = default;

  // Until the client has sent something, or is gone.  The mailbox is not looked at.
  virtual Woke for_client(std::chrono::steady_clock::time_point deadline) = 0;
  // Until either has news.  `mailbox` only says that it is worth looking.
  virtual Woke for_both(std::chrono::steady_clock::time_point deadline) = 0;
};

// By poll(2), for a client whose octets come straight from a socket.
class PollWait : public Wait {
 public:
  // `client` is the descriptor below `stream`.  Does not own the descriptors.  `stop` as in SocketStream: its
  // end is the client's end.
  PollWait(Stream& stream, int client, int stop, mailbox::Watch watch)
      : stream_{stream}, client_{client}, stop_{stop}, watch_{std::move(watch)} {}

  Woke for_client(std::chrono::steady_clock::time_point deadline) override;
  Woke for_both(std::chrono::steady_clock::time_point deadline) override;

 private:
  Woke poll_until(std::chrono::steady_clock::time_point deadline, int mailbox_fd);
  Stream& stream_;
  int client_;
  int stop_;
  mailbox::Watch watch_;
};

}  // namespace mailroom::imapd
