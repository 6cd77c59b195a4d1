// What routing knows of this system, from the configuration and its interfaces.
#pragma once

#include <vector>

#include "daemons/config.h"
#include "libcommon/routing/route.h"

namespace mailroom::queued {

// A listener for strangers at an unspecified address has all of `interfaces`.
routing::Site site_of(const Config& config, const std::vector<IpAddress>& interfaces);

}  // namespace mailroom::queued
