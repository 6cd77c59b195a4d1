// What queued and deliverd decode, from whoever speaks to them: the first octet chooses the channel.
#include <cstdint>

#include "daemons/channels/deliverd.h"
#include "daemons/channels/policyd.h"
#include "daemons/channels/queued.h"
#include "daemons/channels/tools_queued.h"
#include "libcommon/ipc/codec.h"

namespace {

using namespace mailroom;

// What decodes is encoded to the same bytes: nothing is hidden between the fields.
template <typename Message>
void decode(std::string_view bytes) {
  const auto message = ipc::decode<Message>(bytes);
  if (message && ipc::encode(*message) != bytes) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 6) {
  case 0: decode<ConnectionToQueued>(bytes); break;
  case 1: decode<ListenerToQueued>(bytes); break;
  case 2: decode<PolicydToQueued>(bytes); break;
  case 3: decode<QueuedToDeliverd>(bytes); break;
  case 4: decode<DeliverdToQueued>(bytes); break;
  default: decode<ToolToQueued>(bytes); break;
  }
  return 0;
}
