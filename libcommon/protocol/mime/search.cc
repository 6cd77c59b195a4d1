#include "libcommon/protocol/mime/search.h"

#include <algorithm>

#include "libcommon/protocol/mime/encoded_word.h"
#include "libcommon/protocol/mime/transfer_decoder.h"
#include "libcommon/text/ascii.h"

namespace mailroom::mime {
namespace {

constexpr std::size_t kPieceOctets = 16 * 1024;

// Ranges come from the index, octets from a file: one may be shorter than the other says.
std::string_view slice(std::string_view bytes, std::uint64_t begin, std::uint64_t end) {
  begin = std::min<std::uint64_t>(begin, bytes.size());
  end = std::clamp<std::uint64_t>(end, begin, bytes.size());
  return bytes.substr(begin, end - begin);
}

bool text_contains(std::string_view text, std::string_view charset, const SearchKey& key) {
  TextSearch search(key, charset);
  return search.feed(text) || search.finish();
}

// Header text is UTF-8 (RFC 6532) or, from those who never heard of charsets, something else that at least
// has ASCII.
bool value_contains(std::string_view value, const SearchKey& key) {
  const auto decoded = decode_encoded_words(rfc5322::unfold(value));
  return text_contains(decoded, is_valid_utf8(decoded) ? "utf-8" : "iso-8859-1", key);
}

bool any_field_contains(std::string_view header, const SearchKey& key) {
  return std::ranges::any_of(rfc5322::index_fields(header), [&](const rfc5322::Field& field) {
    return text_contains(field.name, "us-ascii", key) || value_contains(field.value, key);
  });
}

bool body_contains(const Part& part, std::string_view body, const SearchKey& key) {
  TransferDecoder decoder(transfer_encoding(part.encoding));
  TextSearch search(key, find_parameter(part.content_type.parameters, "charset").value_or("utf-8"));
  std::string decoded;
  while (!body.empty()) {
    const auto piece = body.substr(0, kPieceOctets);
    body.remove_prefix(piece.size());
    decoded.clear();
    decoder.feed(piece, decoded);
    if (search.feed(decoded)) return true;
  }
  decoded.clear();
  decoder.finish(decoded);
  return search.feed(decoded) || search.finish();
}

bool is_searchable(const Part& part) {
  return part.kind == PartKind::leaf && (part.content_type.is("text") || part.content_type.is("message"));
}

}  // namespace

bool message_contains(const Message& message, std::string_view bytes, SearchScope scope,
                      const SearchKey& key) {
  for (const Part& part : message.parts) {
    const bool is_inner_message = part.envelope && &part != &message.root();
    if (scope == SearchScope::text || is_inner_message) {
      if (any_field_contains(slice(bytes, part.header_begin, part.body_begin), key)) return true;
    }
    if (is_searchable(part) && body_contains(part, slice(bytes, part.body_begin, part.body_end), key))
      return true;
  }
  return false;
}

bool header_contains(std::string_view header, std::string_view field_name, const SearchKey& key) {
  return std::ranges::any_of(rfc5322::index_fields(header), [&](const rfc5322::Field& field) {
    return equals_ignoring_case(field.name, field_name) && (key.empty() || value_contains(field.value, key));
  });
}

}  // namespace mailroom::mime
