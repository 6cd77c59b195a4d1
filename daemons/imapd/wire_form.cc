#include "daemons/imapd/wire_form.h"

namespace mailroom::imapd {

// Whether every CR of the piece is followed, and every LF preceded, by the other within it.
bool WireForm::is_wire_form(std::string_view piece) const {
  if (after_cr_) return false;
  for (std::size_t at = piece.find_first_of("\r\n"); at != std::string_view::npos;
       at = piece.find_first_of("\r\n", at + 2)) {
    if (!piece.substr(at).starts_with("\r\n")) return false;
  }
  return true;
}

std::optional<std::string_view> WireForm::feed(std::string_view piece) {
  if (piece.find('\0') != std::string_view::npos) return std::nullopt;
  if (is_wire_form(piece)) return piece;
  converted_.clear();
  for (const char c : piece) {
    if (after_cr_ || c == '\n') converted_ += "\r\n";
    after_cr_ = c == '\r';
    if (c != '\r' && c != '\n') converted_ += c;
  }
  return converted_;
}

std::string_view WireForm::finish() { return after_cr_ ? "\r\n" : ""; }

}  // namespace mailroom::imapd
