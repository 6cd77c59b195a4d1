// Text from outside, made fit for a header, a field or a page of text: bounded, and with nothing in it that
// could begin a line, a field or a part of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mailroom::dsn {

// Printable ASCII; every other octet is "?".  At most `limit` octets; what is cut ends in "...".
std::string printable(std::string_view text, std::size_t limit);

// Printable characters in UTF-8: controls (C0, C1, line and paragraph separators, changes of writing
// direction) and malformed octets are "?".  At most `limit` octets, cut between characters; what is cut ends
// in "...".
std::string printable_utf8(std::string_view text, std::size_t limit);

// Whether all octets are ASCII.
bool is_ascii(std::string_view text);

// Quoted-printable (RFC 2045 6.7) of text whose lines end in CRLF; the result's lines have at most 76
// characters.
std::string quoted_printable(std::string_view text);

// Printable UTF-8 for an unstructured field (RFC 2047): ASCII as it is, else encoded words, folded.
std::string encoded_words(std::string_view text);

// An address in the form utf-8-addr-xtext (RFC 6533 section 3): ASCII, with \x{...} for all that is not.
std::string utf8_address_xtext(std::string_view address);

// Words on lines of at most `width` characters, each after `indent`, with CRLF.  A longer word has a line of
// its own.
std::string wrapped(std::string_view text, std::string_view indent, std::size_t width);

// "Name: value" CRLF, folded at blanks into lines of at most 76 characters where it has blanks.  `value` is
// printable.
std::string field(std::string_view name, std::string_view value);

}  // namespace mailroom::dsn
