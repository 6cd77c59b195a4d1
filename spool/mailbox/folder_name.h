// What a folder, and a keyword, may be called.  Names are keys of the index and never become paths, so that
// the rules are for clients' sake: nothing that a terminal or a mailbox list would stumble over, and keys
// short enough for LMDB.  Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailroom::mailbox {

inline constexpr std::size_t kMaxFolderName = 480;  // octets of the whole name; LMDB's longest key is 511
inline constexpr std::size_t kMaxFolderDepth = 32;  // levels

// The name as it is stored, or nothing when it is not allowed: well-formed UTF-8 (RFC 3629: no overlong
// forms, no surrogates) without control characters (C0, DEL, C1, U+2028, U+2029), no empty level, not too
// long or deep, and no
// `*` or `%`, which LIST could not name.  A first level that is "inbox" in any case becomes "INBOX".
std::optional<std::string> canonical_folder_name(std::string_view name);

// A keyword that IMAP can say (RFC 3501 section 9: flag-keyword, an atom), of at most kMaxKeywordLength
// octets.
bool is_keyword(std::string_view keyword);

// "a/b" for "a/b/c"; empty at the top level.
std::string_view parent_name(std::string_view name);

}  // namespace mailroom::mailbox
