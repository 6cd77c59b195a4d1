// Content-Transfer-Encoding undone, piece by piece (RFC 2045 6).  Lenient, as a reader has to be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::mime {

enum class TransferEncoding { identity, base64, quoted_printable };

// 7bit, 8bit, binary and what nobody knows are identity.
TransferEncoding transfer_encoding(const std::optional<std::string>& name);

class TransferDecoder {
 public:
  explicit TransferDecoder(TransferEncoding encoding) : encoding_{encoding} {}

  // Appends what the next piece gives.  Pieces may be cut anywhere.
  void feed(std::string_view piece, std::string& out);

  // Appends what is left at the end of the body.
  void finish(std::string& out);

 private:
  void feed_base64(std::string_view piece, std::string& out);
  void feed_quoted_printable(std::string_view piece, std::string& out);
  void end_quoted_printable_line(std::string& out);

  TransferEncoding encoding_;
  std::uint32_t bits_ = 0;  // base64: bits not yet given out
  unsigned bit_count_ = 0;
  bool padded_ = false;
  std::string pending_;  // quoted-printable: an escape, or blanks that may end the line
};

// The whole of a body at once.
std::string decode_transfer(TransferEncoding encoding, std::string_view body);

}  // namespace mailroom::mime
