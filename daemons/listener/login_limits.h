// What a client may ask for before it has logged in by POP3 or IMAP, where every command costs us and none
// brings it forward but the login (SECURITY.md V11).
#pragma once

namespace mailroom {

inline constexpr unsigned kMaxCommandsBeforeLogin = 100;  // good or bad; then the connection ends

}  // namespace mailroom
