#include "daemons/listener/session_stream.h"

namespace mailroom {

SessionStream::SessionStream(AfterLogin& process)
    : socket_{process.client.get(), process.to_listener.get()}, top_{&socket_} {
  if (process.start.records) top_ = &records_.emplace(std::move(*process.start.records), socket_);
  process.start.records.reset();
}

void SessionStream::close() noexcept {
  if (records_) records_->close();
}

}  // namespace mailroom
