// Charsets, case folding and search: with idna.h the only door to ICU.
//
// ICU's data lies in its library, so that everything here works in an empty root directory and opens no file;
// the first use of a charset still loads a converter, which a process under a memory limit may do before it
// drops privileges (prepare_charsets).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom {

// Charset names are longer in no registry (RFC 2978 2.3: 40 characters).
inline constexpr std::size_t kMaxCharsetName = 64;

// Tells ICU that there are no data files, and loads what every message needs.  Call once at start, before any
// sandbox.
void prepare_charsets();

// Whether text in this charset can be read.  Aliases and case do not matter.
bool is_known_charset(std::string_view charset);

// Nothing if the charset is not known.  Octets that are wrong in it become U+FFFD.
std::optional<std::string> to_utf8(std::string_view charset, std::string_view octets);

bool is_valid_utf8(std::string_view octets);

// Full case folding (Unicode 3.13), for keys to compare and sort by.  Wrong octets become U+FFFD.
std::string fold_case(std::string_view utf8);

// A piece of text to be searched for, in folded form, with its failure function (Knuth, Morris, Pratt): a
// search reads each character of the text once.
class SearchKey {
 public:
  // Nothing if the charset is not known (SEARCH then answers NO [BADCHARSET]).
  static std::optional<SearchKey> make(std::string_view text, std::string_view charset = "UTF-8");

  bool empty() const { return units_.empty(); }

 private:
  friend class TextSearch;
  std::u16string units_;
  std::vector<std::size_t> failure_;
};

// One search through one text in one charset that arrives in pieces.  An unknown charset is read as
// ISO-8859-1, so that at least ASCII is found.
class TextSearch {
 public:
  TextSearch(const SearchKey& key, std::string_view charset);
  ~TextSearch();
  TextSearch(const TextSearch&) = delete;
  TextSearch& operator=(const TextSearch&) = delete;

  // Whether the key has been found in what came so far.  Pieces may be cut anywhere, within a character too.
  bool feed(std::string_view octets);
  // The text ends here.
  bool finish();

 private:
  void convert(std::string_view octets, bool flush);
  void match(std::size_t count);
  struct Converter;

  const SearchKey* key_;
  std::unique_ptr<Converter> converter_;
  std::u16string units_;  // converted, not yet matched: at most one after a call
  std::size_t matched_ = 0;
  bool found_ = false;
};

}  // namespace mailroom
