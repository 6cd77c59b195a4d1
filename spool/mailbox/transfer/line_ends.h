// Messages outside have lines that end in LF; ours end in CRLF.  Pure.
#pragma once

#include <string>
#include <string_view>

namespace mailroom::mailbox {

// Every LF without a CR before it becomes CRLF.
std::string to_wire(std::string_view local);

// Every CRLF becomes LF; what else there is of CR and LF stays.
std::string to_local(std::string_view wire);

}  // namespace mailroom::mailbox
