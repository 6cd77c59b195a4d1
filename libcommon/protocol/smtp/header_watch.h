// Counts what the limits on a header section are about, as content passes (RFC 5322 section 2.2, RFC 5321
// section 6.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mailroom::smtp {

class HeaderWatch {
 public:
  // Content in order, in pieces of any size, CRLF for line ends.  Costs nothing once the header section is
  // over.
  void feed(std::string_view content);

  bool is_over() const { return over_; }
  std::size_t octets() const { return octets_; }      // of the header section, with the empty line
  std::size_t fields() const { return fields_; }      // lines that are no continuation
  std::size_t received() const { return received_; }  // of them, Received fields: the hops so far

 private:
  void feed_line_start(char c);
  void match_name(char c);

  // How far the current line's beginning agrees with "Received:"; kOther once it cannot be one any more.
  static constexpr std::uint8_t kOther = 0xff;

  std::size_t octets_ = 0;
  std::size_t fields_ = 0;
  std::size_t received_ = 0;
  std::uint8_t matched_ = 0;
  bool at_line_start_ = true;
  bool after_cr_at_line_start_ = false;
  bool over_ = false;
};

}  // namespace mailroom::smtp
