// The grammar of a configuration file: lines of words.
//
//   # a comment
//   hostname     mail.example.edu
//   smtpd.banner "two words, \"quoted\""
//
// A directive is a name and at least one value on one line.  Words are separated by spaces and tabs; "#" at
// the start of a word begins a comment; within double quotes \" and \\ stand for themselves.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::config {

inline constexpr std::size_t kMaxFileSize = 4 * 1024 * 1024;  // octets of a configuration file

struct Directive {
  std::string name;
  std::vector<std::string> values;
  unsigned line = 0;  // from 1
};

struct Error {
  std::string file;
  unsigned line = 0;  // 0: of the file as a whole
  std::string reason;

  bool operator==(const Error&) const = default;
};

// "FILE:LINE: REASON", as compilers write it.
std::string text_of(const Error& error);

struct ParsedFile {
  std::vector<Directive> directives;
  std::vector<Error> errors;  // all of them; a wrong line gives no directive
};

// Pure.  `file` is only for the errors.
ParsedFile parse_directives(std::string_view text, std::string_view file);

// A word as it can stand in a file: itself, or in double quotes when it must be.
std::string quote(std::string_view word);

}  // namespace mailroom::config
