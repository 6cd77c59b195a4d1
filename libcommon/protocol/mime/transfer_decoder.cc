#include "libcommon/protocol/mime/transfer_decoder.h"

#include <algorithm>

#include "libcommon/text/ascii.h"
#include "libcommon/text/base64.h"
#include "libcommon/text/hex.h"

namespace mailroom::mime {
namespace {

// Blanks held back until it is known whether the line ends after them; a line is at most this long (RFC
// 5322 2.1.1).
constexpr std::size_t kMaxPending = 998;

bool is_padding(char c) { return is_blank(c) || c == '\r'; }

}  // namespace

TransferEncoding transfer_encoding(const std::optional<std::string>& name) {
  if (name && equals_ignoring_case(*name, "base64")) return TransferEncoding::base64;
  if (name && equals_ignoring_case(*name, "quoted-printable")) return TransferEncoding::quoted_printable;
  return TransferEncoding::identity;
}

void TransferDecoder::feed(std::string_view piece, std::string& out) {
  switch (encoding_) {
  case TransferEncoding::identity:
    out += piece;
    break;
  case TransferEncoding::base64:
    feed_base64(piece, out);
    break;
  case TransferEncoding::quoted_printable:
    for (const char c : piece) feed_quoted_printable(c, out);
    break;
  }
}

void TransferDecoder::finish(std::string& out) {
  if (encoding_ == TransferEncoding::base64) {
    out += decode_base64_lenient(pending_);
  } else {
    out += pending_;
  }
  pending_.clear();
}

// Whole groups of four characters of the alphabet are decoded, the rest waits.
void TransferDecoder::feed_base64(std::string_view piece, std::string& out) {
  if (padded_) return;
  for (const char c : piece) {
    if (is_alnum(c) || c == '+' || c == '/') pending_ += c;
    if (c == '=') {
      padded_ = true;
      break;
    }
  }
  const std::size_t ready = padded_ ? pending_.size() : pending_.size() / 4 * 4;
  out += decode_base64_lenient(std::string_view(pending_).substr(0, ready));
  pending_.erase(0, ready);
}

void TransferDecoder::feed_quoted_printable(char c, std::string& out) {
  if (pending_.starts_with('=') && take_escape(c, out)) return;
  if (c == '=' || is_padding(c)) {
    if (c == '=' || pending_.size() >= kMaxPending) flush_pending(out);
    pending_ += c;
  } else if (c == '\n') {
    // RFC 2045 6.7 (3): white space at the end of a line was added on the way.
    out += pending_.ends_with('\r') ? "\r\n" : "\n";
    pending_.clear();
  } else {
    flush_pending(out);
    out += c;
  }
}

// Continues "=", "=X" or "=" and blanks.  If that is no escape it goes out as it is, and `c` is still to be
// taken.
bool TransferDecoder::take_escape(char c, std::string& out) {
  const auto rest = std::string_view(pending_).substr(1);
  const bool only_padding = std::ranges::all_of(rest, is_padding);
  if (c == '\n' && only_padding) {  // a soft line break
    pending_.clear();
    return true;
  }
  if (rest.size() == 1 && hex_value(rest[0]) >= 0 && hex_value(c) >= 0) {
    out += static_cast<char>(hex_value(rest[0]) * 16 + hex_value(c));
    pending_.clear();
    return true;
  }
  if ((rest.empty() && hex_value(c) >= 0) || (only_padding && is_padding(c) && rest.size() < kMaxPending)) {
    pending_ += c;
    return true;
  }
  flush_pending(out);
  return false;
}

void TransferDecoder::flush_pending(std::string& out) {
  out += pending_;
  pending_.clear();
}

std::string decode_transfer(TransferEncoding encoding, std::string_view body) {
  std::string out;
  TransferDecoder decoder(encoding);
  decoder.feed(body, out);
  decoder.finish(out);
  return out;
}

}  // namespace mailroom::mime
