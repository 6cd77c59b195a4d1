// Names of hosts, as they stand in a configuration, a registration or a stranger's text.
#pragma once

#include <cstddef>
#include <string_view>

namespace mailroom {

inline constexpr std::size_t kMaxHostName = 253;  // octets, written (RFC 1035 2.3.4: 255 on the wire)
inline constexpr std::size_t kMaxHostLabel = 63;  // RFC 1035 2.3.4

// The DNS carries names with underscores, and some networks give them to their hosts.
enum class Underscores : bool { refused, allowed };

// Labels of letters, digits and hyphens, of which none begins or ends a label, with single dots between them
// and none at the end (RFC 1123 2.1).  The last label begins with a letter, as that of every real name: so
// nothing that any resolver reads as an address is a host name ("127.1", "0x7f.1", "0177", "1.2.3.4").
// Names of other scripts are A-labels (RFC 5890).  One label suffices.
bool is_host_name(std::string_view name, Underscores underscores = Underscores::refused);

// The same, of two labels or more.
bool is_full_host_name(std::string_view name, Underscores underscores = Underscores::refused);

}  // namespace mailroom
