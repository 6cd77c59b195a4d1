// Content-Transfer-Encoding undone, piece by piece (RFC 2045 6).  Lenient, as a reader has to be.
#pragma once

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
  void feed_quoted_printable(char c, std::string& out);
  bool take_escape(char c, std::string& out);
  void flush_pending(std::string& out);

  TransferEncoding encoding_;
  bool padded_ = false;  // base64: the end has been seen
  std::string
      pending_;  // base64: less than a group; quoted-printable: an escape, or blanks that may end the line
};

// The whole of a body at once.
std::string decode_transfer(TransferEncoding encoding, std::string_view body);

}  // namespace mailroom::mime
