#include "daemons/supervisor/needed.h"

#include <algorithm>

#include "daemons/base/listener_service.h"

namespace mailroom {

bool is_needed(Role role, const Config& config) {
  if (const auto service = service_of(role))
    return std::ranges::find(config.listeners, *service, &ListenerConfig::service) != config.listeners.end();
  switch (role) {
  case Role::mailroomd:
  case Role::supervisor:
    return false;
  case Role::keyd:
    return !config.certificates.empty();
  case Role::krbd:
    return config.kerberos.enabled();
  case Role::kdcd:
    return config.kerberos.enabled() && !config.kerberos.kdcs.empty();
  case Role::certd:
    return config.client_certificate.enabled();
  default:
    return true;
  }
}

}  // namespace mailroom
