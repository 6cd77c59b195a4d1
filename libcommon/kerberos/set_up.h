// libkrb5's configuration: written by ourselves into the process's own directory, so that nothing outside of
// it is read.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "libcommon/sys/ip_address.h"

namespace mailroom::kerberos {

// A krb5.conf(5): no DNS, no canonicalisation, the KDCs by address.
std::string configuration(std::string_view realm, std::span<const IpAddress> kdcs);

// Has libkrb5 read krb5.conf and keep its replay cache in the current directory; loads what it would load
// later. To be called before the first use, before the jail closes.
void set_up();

}  // namespace mailroom::kerberos
