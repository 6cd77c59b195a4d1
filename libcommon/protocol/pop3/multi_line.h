// A message as a multi-line response (RFC 1939 section 3): lines that begin with a dot get another, and a
// line that is a dot alone ends it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom::pop3 {

// Writes one message in portions of bounded size, whatever the size of the message.
class DotStuffer {
 public:
  // `message` in wire form (CRLF); must outlive this.
  explicit DotStuffer(std::string_view message) : message_{message} {}

  // Appends some more to `out`, about `portion` octets; the last portion has the final dot, after the CRLF
  // that the message may lack.
  void append_some(std::string& out, std::size_t portion);
  bool is_done() const { return done_; }

 private:
  bool is_line_start(std::size_t at) const;
  std::size_t next_stuffed_dot(std::size_t from, std::size_t limit) const;

  std::string_view message_;
  std::size_t at_ = 0;
  bool done_ = false;
};

// Octets of the part of `message` that TOP shows: the header, the empty line, and that many lines of the
// body.
std::size_t top_length(std::string_view message, std::uint64_t lines);

}  // namespace mailroom::pop3
