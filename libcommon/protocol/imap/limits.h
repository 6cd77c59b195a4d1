// Every quantity of an IMAP command that a client chooses, bounded by name (SECURITY.md V9).
//
// RFC 3501 gives almost no limits; where it or a successor suggests one, the section is named.  A command
// that is over a limit is answered with BAD or NO and the connection goes on; only what cannot be skipped
// ends it with BYE.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mailroom::imap {

// The client's part of a SASL exchange is one line of base64: a Kerberos ticket may need 12 KiB of it.
inline constexpr std::size_t kMaxSaslLine = 16384 + 2;

// The lines of a command before login with their ends: AUTHENTICATE may have the first part of an exchange in
// its own (RFC 4959).  RFC 9051 section 4.3 and RFC 2683 section 3.2.1.5: a server should take 8000 octets.
inline constexpr std::size_t kMaxPreauthLines = kMaxSaslLine + 128;
inline constexpr std::size_t kMaxPreauthLiteral = 4096;
inline constexpr std::size_t kMaxPreauthLiteralOctets = 8192;  // of all together
inline constexpr std::size_t kMaxPreauthLiterals = 8;

// The lines of a command after login (mail programs send long sets of message numbers), RFC 2683
// section 3.2.1.5.
inline constexpr std::size_t kMaxCommandLines = 65536;
// Its literals together, but for the message of an APPEND.
inline constexpr std::size_t kMaxCommandLiterals = 1048576;
inline constexpr std::size_t kMaxLiteralCount = 1000;

inline constexpr std::size_t kMaxTag = 64;
// The most parameter values of an ID command: 30 pairs, RFC 2971 section 3.3.
inline constexpr std::size_t kMaxIdStrings = 60;
inline constexpr std::size_t kMaxIdString = 1024;

// A mailbox name as the client writes it, in octets.
inline constexpr std::size_t kMaxMailboxName = 1024;
inline constexpr std::size_t kMaxListPattern = 1024;

inline constexpr std::size_t kMaxKeyword = 255;
inline constexpr std::size_t kMaxFlags = 128;
inline constexpr std::size_t kMaxStatusItems = 16;
inline constexpr std::size_t kMaxEnable = 64;

// Parts of one FETCH: BODY[...] items, numbers in one section (RFC 2045 bounds no nesting; our parser does),
// header names in one HEADER.FIELDS.
inline constexpr std::size_t kMaxFetchSections = 512;
inline constexpr std::size_t kMaxSectionParts = 128;
inline constexpr std::size_t kMaxHeaderFields = 512;
inline constexpr std::size_t kMaxHeaderFieldName = 255;

// Keys of one SEARCH, with OR, NOT and parentheses.
inline constexpr std::size_t kMaxSearchKeys = 4096;
// Of these, keys which read messages.
inline constexpr std::size_t kMaxSearchStrings = 256;
inline constexpr std::size_t kMaxSearchString = 32768;

}  // namespace mailroom::imap
