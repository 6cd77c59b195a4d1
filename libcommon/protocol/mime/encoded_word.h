// Encoded words (RFC 2047), as SEARCH, SORT and base subjects need them: decoded to UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace mailroom::mime {

// An unfolded value.  Blanks between two encoded words go; characters split between adjacent words of one
// charset are joined; what is no encoded word, or in a charset that nobody knows, stays as it is.  Linear.
std::string decode_encoded_words(std::string_view text);

}  // namespace mailroom::mime
