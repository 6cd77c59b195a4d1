// Puts a command together from lines and literals (RFC 3501 sections 2.2.1 and 4.3, RFC 7888), before any
// grammar looks at it.
//
// A line that ends in "{n}" or "{n+}" is continued by n octets and another line.  No valid line ends so
// otherwise: atoms hold no brace and a quoted string ends with its quote.  The result is one text, literals
// in place, which Scanner reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::imap {

// The literal that a line announces.
struct LiteralHeader {
  std::uint64_t size = 0;
  bool synchronizing = true;  // the client waits for "+" before it sends the octets
  bool operator==(const LiteralHeader&) const = default;
};

// What `line` (without its line end) announces at its end.  Nothing for no literal; more than 32 bits
// saturate.
std::optional<LiteralHeader> announced_literal(std::string_view line);

struct FrameLimits {
  std::size_t lines;     // octets of all lines with their ends
  std::size_t literal;   // octets of one literal
  std::size_t literals;  // octets of all
  std::size_t literal_count;
};
extern const FrameLimits kPreauthFrame;
extern const FrameLimits kSessionFrame;

class CommandFrame {
 public:
  explicit CommandFrame(const FrameLimits& limits) : limits_{limits} {}

  enum class Step {
    complete,  // text() is a command
    literal,   // the line announces announced(): ask literal_fits(), invite it, give it to add_literal()
    bad_line,  // the line does not end in CRLF, or holds NUL
    too_long,  // the lines are longer than the limit
  };
  // The next line with its line end.
  Step add_line(std::string_view line);

  // Precondition: the last step was `literal`.
  LiteralHeader announced() const { return announced_; }
  // Whether the announced literal is within the limits.
  bool literal_fits() const;
  // The octets, in any portions, announced().size of them in all.
  void add_literal(std::string_view octets) { text_ += octets; }
  // Octets of the line budget that are left.
  std::size_t line_budget() const { return limits_.lines - line_octets_; }

  // What has come so far; at the end the whole command without its last CRLF.
  std::string_view text() const { return text_; }
  // What has come before the header of the announced literal.
  std::string_view text_before_literal() const;

 private:
  FrameLimits limits_;
  std::string text_;
  LiteralHeader announced_;
  std::size_t header_size_ = 0;  // of the announced literal, with CRLF
  std::size_t line_octets_ = 0;
  std::uint64_t literal_octets_ = 0;
  std::size_t literal_count_ = 0;
};

}  // namespace mailroom::imap
