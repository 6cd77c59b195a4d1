// The values of `route`.  Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/config/tables.h"

namespace mailroom::config {

inline constexpr const char* kRouteSyntax =
    "DOMAIN (smtp | smtps | lmtp) HOST[:PORT] | unix:NAME [tls=LEVEL] [auth]";

Result set_route(Config& config, Values values);
std::vector<std::string> show_routes(const Config& config);

}  // namespace mailroom::config
