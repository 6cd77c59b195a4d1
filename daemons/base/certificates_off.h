// What the log has of a file for logins by client certificate that cannot be used: they are off, all others
// go on.
#pragma once

#include <string>

#include "daemons/log.h"

namespace mailroom {

inline void log_certificates_off(const std::string& file, unsigned line, const std::string& reason) {
  log::write("config-error", {{"file", file},
                              {"line", line},
                              {"reason", reason + "; nobody can log in by a client certificate until this is "
                                                  "mended and mailroomd has been sent SIGHUP"}});
}

}  // namespace mailroom
