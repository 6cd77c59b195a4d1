// Every channel's decoder, picked by the first octet: what decodes encodes to the same octets, so no payload
// can change the count of fields or have two readings (SECURITY.md V20).  Beside them what one process writes
// into a memfd for another: a session's start, the configuration.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "daemons/channels/authd.h"
#include "daemons/channels/certd.h"
#include "daemons/channels/control.h"
#include "daemons/channels/deliverd.h"
#include "daemons/channels/dnsd.h"
#include "daemons/channels/handover.h"
#include "daemons/channels/kdcd.h"
#include "daemons/channels/keyd.h"
#include "daemons/channels/krbd.h"
#include "daemons/channels/policyd.h"
#include "daemons/channels/queued.h"
#include "daemons/channels/relayd.h"
#include "daemons/channels/spawner.h"
#include "daemons/channels/stsd.h"
#include "daemons/channels/tools_authd.h"
#include "daemons/channels/tools_logd.h"
#include "daemons/channels/tools_policyd.h"
#include "daemons/channels/tools_queued.h"
#include "daemons/daemon.h"
#include "libcommon/ipc/codec.h"

using namespace mailroom;

namespace {

template <typename T>
void check(std::string_view packet) {
  const auto message = ipc::decode<T>(packet);
  if (message && ipc::encode(*message) != packet) std::abort();
}

template <typename... T>
struct Decoders {
  static void run(std::uint8_t which, std::string_view packet) {
    using Check = void (*)(std::string_view);
    constexpr Check kChecks[] = {check<T>...};
    kChecks[which % sizeof...(T)](packet);
  }
};

// In this order in the seeds' names; new ones go to the end.
using All =
    Decoders<ListenerToAuthd, ConnectionToAuthd, AuthdToConnection, AuthdToPolicyd, PolicydToAuthd,
             SupervisorToProcess, ProcessToSupervisor, QueuedToDeliverd, DeliverdToQueued, ChildToListener,
             ListenerToChild, ListenerToKeyd, KeydToListener, ConnectionToKeyd, KeydToConnection,
             ListenerToPolicyd, PolicydToListener, ConnectionToPolicyd, PolicydToConnection, PolicydToQueued,
             QueuedToPolicyd, ListenerToQueued, ConnectionToQueued, QueuedToConnection, ToolToAuthd,
             AuthdToTool, ToolToPolicyd, PolicydToTool, ToolToQueued, QueuedToTool, LaunchBlock, AskerToDnsd,
             DnsdToAsker, QueuedAsksPolicyd, PolicydAnswersQueued, ToolToLogd, LogdToTool, AuthdToKeyd,
             KeydToAuthd, AuthdToCertd, CertdToAuthd, QueuedToRelayd, RelaydToQueued, QueuedToRelay,
             RelayToQueued, RelaydToAuthd, RelayToAuthd, AuthdToRelay, AuthdToKrbd, KrbdToAuthd, AuthdToKdcd,
             KdcdToAuthd, PolicydToStsd, StsdToPolicyd, SupervisorToSpawner, SpawnerToSupervisor,
             SessionStart, Config, SecretRequest, CredentialRequest, Warrant>;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  All::run(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
