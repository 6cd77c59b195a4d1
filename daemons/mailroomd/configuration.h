// The configuration for the processes that read it, as mailroomd and the supervisor do at start and at a
// reload.
#pragma once

#include <expected>
#include <string>

#include "daemons/config.h"
#include "daemons/config/load.h"

namespace mailroom {

// At a reload.  Each error is in the log; how many there were is the error.
std::expected<Config, std::size_t> load_configuration(const std::string& file);

// The same at a start.  What is off is for the supervisor to log.
std::expected<config::ForStart, std::size_t> load_configuration_for_start(const std::string& file);

}  // namespace mailroom
