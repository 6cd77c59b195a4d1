// What mr-conf finds wrong with the certificates of a configuration.
#pragma once

#include <string>
#include <vector>

#include "daemons/config.h"

namespace mailroom {

// Reads them, with their private keys and the revocation lists, as those do who use them: the listeners,
// keyd, certd.  In words that name the file; nothing where all are good.
std::vector<std::string> wrong_with_certificates(const Config& config);

}  // namespace mailroom
