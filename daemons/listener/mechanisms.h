// The SASL mechanisms that a connection offers.
#pragma once

#include <string>
#include <vector>

#include "daemons/config.h"

namespace mailroom {

// What authd takes with this configuration, the strongest first.
inline std::vector<std::string> sasl_mechanisms(const Config& config) {
  std::vector<std::string> mechanisms;
  if (config.kerberos.enabled()) mechanisms.emplace_back("GSSAPI");
  mechanisms.emplace_back("PLAIN");
  mechanisms.emplace_back("LOGIN");
  return mechanisms;
}

// As CAPA and EHLO list them.
inline std::string sasl_mechanism_list(const Config& config) {
  std::string list;
  for (const std::string& mechanism : sasl_mechanisms(config))
    list.append(list.empty() ? "" : " ").append(mechanism);
  return list;
}

}  // namespace mailroom
