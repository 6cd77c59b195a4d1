#include "daemons/policyd/admission.h"

#include "spool/state/services.h"

namespace mailroom::policyd {
namespace {

// 0 for a service that no account logs in to.
std::uint8_t service_bit(Service service) {
  switch (service) {
  case Service::mx:
  case Service::relay:
    return 0;
  case Service::submission:
  case Service::outgoing:
    return state::kSubmission;
  case Service::pop3:
    return state::kPop;
  case Service::kpop:
    return state::kKpop;
  case Service::imap:
    return state::kImap;
  }
  return 0;
}

}  // namespace

std::expected<state::Account, LoginRefusal> admit_account(const state::View& view, Service service,
                                                          std::string_view name) {
  auto account = view.account_named(name);
  if (!account) return std::unexpected(LoginRefusal::bad_credentials);
  if (account->disabled) return std::unexpected(LoginRefusal::disabled);
  if ((account->services & service_bit(service)) == 0) return std::unexpected(LoginRefusal::service_off);
  return std::move(*account);
}

std::expected<void, LoginRefusal> admit_device(const state::View& view, std::string_view principal) {
  if (view.device_of_principal(principal)) return {};
  return std::unexpected(view.account_named(principal) ? LoginRefusal::service_off
                                                       : LoginRefusal::bad_credentials);
}

}  // namespace mailroom::policyd
