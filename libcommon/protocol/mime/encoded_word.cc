#include "libcommon/protocol/mime/encoded_word.h"

#include <algorithm>
#include <optional>

#include "libcommon/protocol/mime/transfer_decoder.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/base64.h"
#include "libcommon/text/charset.h"

namespace mailroom::mime {
namespace {

struct EncodedWord {
  std::string_view charset;
  std::string octets;
  std::size_t size;  // of the word in the text
};

// Q of RFC 2047 4.2: quoted-printable with underscores for spaces.
std::string decode_q(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '_', ' ');
  std::string out;
  TransferDecoder decoder(TransferEncoding::quoted_printable);
  decoder.feed(spaced, out);
  decoder.finish(out);
  return out;
}

// encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?=", at the start of the text.
// Each part is looked through once, up to its question mark.
std::optional<EncodedWord> parse_encoded_word(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  const auto charset_end = text.find_first_of("? \t", 2);
  if (charset_end == text.npos || charset_end + 2 >= text.size()) return std::nullopt;
  const char encoding = to_lower(text[charset_end + 1]);
  if (text[charset_end] != '?' || text[charset_end + 2] != '?' || (encoding != 'b' && encoding != 'q'))
    return {};
  const auto begin = charset_end + 3;
  const auto end = text.find_first_of("? \t", begin);
  if (end == text.npos || !text.substr(end).starts_with("?=")) return std::nullopt;
  auto charset = text.substr(2, charset_end - 2);
  charset = charset.substr(0, charset.find('*'));  // RFC 2231 5
  const auto encoded = text.substr(begin, end - begin);
  return EncodedWord{charset, encoding == 'b' ? decode_base64_lenient(encoded) : decode_q(encoded), end + 2};
}

class Decoder {
 public:
  explicit Decoder(std::string_view text) : text_{text} {}

  std::string run() && {
    while (at_ < text_.size()) {
      if (auto word = parse_encoded_word(text_.substr(at_)); word && is_known(word->charset)) {
        take_word(*word);
      } else {
        take_plain();
      }
    }
    flush();
    out_ += blanks_;
    return std::move(out_);
  }

 private:
  // Words of one charset come together: a character may be cut between them.
  void take_word(const EncodedWord& word) {
    if (!in_words_) out_ += blanks_;
    blanks_ = {};
    if (!equals_ignoring_case(word.charset, charset_)) flush();
    charset_ = word.charset;
    octets_ += word.octets;
    in_words_ = true;
    at_ += word.size;
  }

  // Up to the next place where a word may begin.
  void take_plain() {
    const auto next = text_.find("=?", at_ + 1);
    const auto plain = text_.substr(at_, next - at_);
    at_ += plain.size();
    const auto last = plain.find_last_not_of(" \t");
    if (last == plain.npos && blanks_.empty()) {
      blanks_ = plain;
      return;
    }
    flush();
    out_ += blanks_;
    in_words_ = false;
    const auto solid = last == plain.npos ? 0 : last + 1;
    out_ += plain.substr(0, solid);
    blanks_ = plain.substr(solid);
  }

  void flush() {
    if (octets_.empty()) return;
    out_ += to_utf8(charset_, octets_).value_or(octets_);
    octets_.clear();
  }

  // The last answer is kept: a field holds many words and few charsets.
  bool is_known(std::string_view charset) {
    if (!equals_ignoring_case(charset, last_asked_) || last_asked_.empty()) {
      last_asked_ = charset;
      last_known_ = is_known_charset(charset);
    }
    return last_known_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  std::string_view blanks_;  // not yet known whether they stand between two words
  std::string_view charset_;
  std::string octets_;
  bool in_words_ = false;
  std::string_view last_asked_;
  bool last_known_ = false;
};

}  // namespace

std::string decode_encoded_words(std::string_view text) { return Decoder(text).run(); }

}  // namespace mailroom::mime
