// Whether who has proved a name may use a service.
#pragma once

#include <expected>
#include <string_view>

#include "daemons/channels/authd.h"
#include "daemons/channels/types.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

// The account of that name.
std::expected<state::Account, LoginRefusal> admit_account(const state::View& view, Service service,
                                                          std::string_view name);

// At the relay devices log in, and nobody else.  A suspended one too, so that its mail is refused with the
// reason.
std::expected<void, LoginRefusal> admit_device(const state::View& view, std::string_view principal);

}  // namespace mailroom::policyd
