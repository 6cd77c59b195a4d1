// "did you mean": the known word that a mistyped one was probably meant to be.
#pragma once

#include <span>
#include <string_view>

namespace mailroom::config {

// Empty when nothing is near.  The number of single-character edits (Levenshtein) decides.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace mailroom::config
