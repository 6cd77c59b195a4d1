// The file that krbd and kdcd have in their directories.
#pragma once

#include "daemons/config.h"

namespace mailroom {

// Writes krb5.conf below `directory` before the jail closes, readable by everyone: there is no secret in it.
// Throws std::system_error.
void write_kerberos_configuration(int directory, const KerberosConfig& config);

}  // namespace mailroom
