// Decoders: pieces give what the whole gives; what is UTF-8 by promise is UTF-8.  First line: a charset;
// rest: octets.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libcommon/protocol/mime/content.h"
#include "libcommon/protocol/mime/encoded_word.h"
#include "libcommon/protocol/mime/transfer_decoder.h"
#include "libcommon/text/base64.h"
#include "libcommon/text/charset.h"
#include "libcommon/text/hex.h"

using namespace mailroom;
using namespace mailroom::mime;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

std::string decode_in_pieces(TransferEncoding encoding, std::string_view text, std::size_t piece) {
  std::string out;
  TransferDecoder decoder(encoding);
  for (std::size_t at = 0; at < text.size(); at += piece) decoder.feed(text.substr(at, piece), out);
  decoder.finish(out);
  return out;
}

bool is_found(const SearchKey& key, std::string_view charset, std::string_view text, std::size_t piece) {
  TextSearch search(key, charset);
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (search.feed(text.substr(at, piece))) return true;
  }
  return search.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto charset = input.substr(0, input.find('\n'));
  const auto text = input.substr(std::min(size, charset.size() + 1));
  for (const auto encoding : {TransferEncoding::base64, TransferEncoding::quoted_printable}) {
    check(decode_in_pieces(encoding, text, 1) == decode_transfer(encoding, text));
    check(decode_in_pieces(encoding, text, 7) == decode_transfer(encoding, text));
  }
  if (const auto utf8 = to_utf8(charset, text)) check(is_valid_utf8(*utf8));
  check(is_valid_utf8(fold_case(text)));
  if (is_valid_utf8(text)) check(is_valid_utf8(decode_encoded_words(text)));
  if (const auto key = SearchKey::make(text.substr(0, 8), charset)) {
    check(is_found(*key, charset, text, 1) == is_found(*key, charset, text, 4096));
  }
  if (const auto octets = decode_base64(text)) check(encode_base64(*octets) == text);
  if (const auto octets = decode_xtext(text)) check(decode_xtext(encode_xtext(*octets)) == octets);
  parse_content_type(text);
  parse_disposition(text);
  parse_languages(text);
  return 0;
}
