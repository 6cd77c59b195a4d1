// The configuration for the processes that read it, as mailroomd and the supervisor do at start and at a
// reload.
#pragma once

#include <expected>
#include <string>

#include "daemons/config.h"

namespace mailroom {

// Each error is in the log; how many there were is the error.
std::expected<Config, std::size_t> load_configuration(const std::string& file);

}  // namespace mailroom
