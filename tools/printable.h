// What strangers chose, on an operator's terminal.
#pragma once

#include <string>
#include <string_view>

namespace mailroom {

// Each octet that a terminal may take for a part of a command is written as \xNN: control characters of ASCII
// and, in UTF-8, of ISO 8859-1 (U+0080 to U+009F), and octets that are no UTF-8.
std::string printable(std::string_view text);

}  // namespace mailroom
