// The parts of the manual that come from tables, in mdoc(7).  Pure.
#pragma once

#include <string>

namespace mailroom {

std::string manual_of_keys();      // the list of mailroom.conf(5)
std::string manual_of_events();    // the list of mailroom-log(5)
std::string manual_of_refusals();  // what refused reports say about an address
std::string manual_of_rules();     // the list of policyd(8)

}  // namespace mailroom
