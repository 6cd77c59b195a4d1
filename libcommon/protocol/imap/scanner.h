// A cursor over one complete command, from which the argument grammars of RFC 3501 section 9 are read.
//
// Failure is sticky: after the first error every operation does nothing and returns an empty value, so that a
// grammar reads from top to bottom and asks once, at the end, whether all was well.  A loop must ask ok() or
// at_end(): every operation which fails stops it.  Nothing here recurses, allocates more than it was given,
// or looks at a locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::imap {

// Why a command was refused.  The text is always one of ours and never repeats input (SECURITY.md V15).
struct SyntaxError {
  enum class Kind {
    bad,      // not the grammar: BAD
    limit,    // the grammar, but more than we take: NO [LIMIT]
    charset,  // a SEARCH charset that we do not know: NO [BADCHARSET]
    cannot,   // a mailbox name that can never exist here: NO [CANNOT]
  };
  Kind kind = Kind::bad;
  const char* text = "";
};

// ATOM-CHAR, ASTRING-CHAR and the characters of a tag.
bool is_atom_char(char c);
bool is_astring_char(char c);
bool is_tag_char(char c);

class Scanner {
 public:
  // `text` is a command without its last CRLF, literals as they came ("{3}" CRLF and three octets).  It must
  // outlive the scanner.
  explicit Scanner(std::string_view text) : rest_{text} {}

  bool ok() const { return error_ == nullptr; }
  // Precondition: !ok().
  SyntaxError error() const { return {kind_, error_}; }
  // Keeps the first error.
  void fail(const char* text, SyntaxError::Kind kind = SyntaxError::Kind::bad);

  // Nothing is left, or an error has happened.
  bool at_end() const { return rest_.empty(); }
  // Fails unless nothing is left.
  void end();
  // The next character, or NUL (which no command contains) at the end.
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  std::string_view rest() const { return rest_; }

  // Takes `c` if it is next.
  bool skip(char c);
  // Takes exactly `c` or fails.
  void expect(char c);
  void space() { expect(' '); }
  // Takes `word` (letters in any case) if it is next and no atom character follows it.
  bool skip_word(std::string_view word);

  // One or more atom characters.
  std::string_view atom();
  // The name of a command, data item or search key: letters, digits, '.', '-', '_' and '+', at most 64.
  std::string_view word();
  std::string_view tag();
  // quoted or literal.
  std::string string(std::size_t limit);
  std::string astring(std::size_t limit);
  // A string or NIL.
  std::optional<std::string> nstring(std::size_t limit);
  // astring, or an atom which may hold the wildcards % and * (and ']'): list-mailbox.
  std::string list_mailbox(std::size_t limit);

  // 0 to 2^32-1; not zero for nz_number.
  std::uint32_t number();
  std::uint32_t nz_number();
  // 0 to 2^63-1: mod-sequence-valzer of RFC 7162 section 7.
  std::uint64_t mod_sequence();

 private:
  std::string_view take_while(bool (*is_member)(char));
  std::string quoted(std::size_t limit);
  std::string literal(std::size_t limit);
  std::uint64_t digits(std::uint64_t max);

  std::string_view rest_;
  const char* error_ = nullptr;
  SyntaxError::Kind kind_ = SyntaxError::Kind::bad;
};

}  // namespace mailroom::imap
