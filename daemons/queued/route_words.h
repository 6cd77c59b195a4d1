// A route, in words for an operator.
#pragma once

#include "daemons/channels/tools_queued.h"
#include "daemons/queued/route_desk.h"

namespace mailroom::queued {

RouteExplained explained_in_words(const Wanted& wanted, const RouteDesk::Explained& explained);

}  // namespace mailroom::queued
