// The client's octets as a session reads and writes them: TLS has moved here with the connection, or ends in
// a relay, or there is none.
#pragma once

#include <optional>

#include "daemons/listener/protocol.h"
#include "libcommon/sys/socket_stream.h"
#include "libcommon/tls/record_stream.h"

namespace mailroom {

class SessionStream : public Stream {
 public:
  // Takes the state of TLS out of the session's start.  `process` must outlive it.
  explicit SessionStream(AfterLogin& process);
  SessionStream(const SessionStream&) = delete;
  SessionStream& operator=(const SessionStream&) = delete;

  std::size_t read(std::span<char> into) override { return top_->read(into); }
  void write(std::string_view bytes) override { top_->write(bytes); }
  void set_deadline(std::chrono::steady_clock::time_point deadline) override { top_->set_deadline(deadline); }
  bool has_input() override { return top_->has_input(); }
  bool absorb() override { return top_->absorb(); }

  // Says close_notify where TLS ends here; nothing may be written afterwards.
  void close() noexcept;

 private:
  SocketStream socket_;
  std::optional<tls::RecordStream> records_;
  Stream* top_;
};

}  // namespace mailroom
