// The structure of a message: a tree of parts, each a range of the message's octets (RFC 2045, RFC 2046).
//
//   const Message message = parse_message(bytes);
//   render_bodystructure(...)          imap_render.h
//   find_section(message, path, kind)  section.h
//   encode_summary(message)            summary.h
//
// The parser reads the octets once, without recursion; whatever they are, there is a tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "libcommon/protocol/mime/content.h"
#include "libcommon/protocol/mime/envelope.h"

namespace mailroom::mime {

// Multiparts and messages within each other (SECURITY.md V8; RFC 2046 sets no limit).  What lies deeper is
// one opaque leaf.
inline constexpr std::size_t kMaxDepth = 100;
// Parts of a message.  When there are as many, no boundary starts another one: the last holds the rest.
inline constexpr std::size_t kMaxParts = 1000;

enum class PartKind : std::uint8_t {
  leaf,       // octets
  multipart,  // children: its parts, an empty one if the message has none
  message,    // message/rfc822; one child: the message within
  kLast = message,
};

// Octets of all headers together that are looked at for their fields; parts beyond are what a part without
// fields is.  With rfc5322::kMaxAddresses, which is for the whole message too, this bounds what is kept of a
// message of any size.
inline constexpr std::size_t kMaxIndexedOctets = 4 * 1024 * 1024;

// What IMAP calls a body part.  The message itself is a part, and so is the message within a message/rfc822
// part.
struct Part {
  PartKind kind = PartKind::leaf;
  std::uint64_t header_begin = 0;
  std::uint64_t body_begin = 0;  // after the empty line
  std::uint64_t body_end = 0;    // a line end before a boundary belongs to the boundary (RFC 2046 5.1.1)
  std::uint64_t lines = 0;       // line ends in the body
  ContentType content_type;
  std::optional<std::string> id;
  std::optional<std::string> description;
  std::optional<std::string> encoding;  // Content-Transfer-Encoding; nothing: 7bit
  std::optional<std::string> md5;
  std::optional<Disposition> disposition;
  std::vector<std::string> languages;
  std::optional<std::string> location;
  std::vector<std::uint32_t> children;  // indices into Message::parts, above this part's own
  std::optional<Envelope> envelope;     // of the message itself and of messages within

  std::uint64_t header_size() const { return body_begin - header_begin; }
  std::uint64_t body_size() const { return body_end - body_begin; }

  bool operator==(const Part&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.kind, m.header_begin, m.body_begin, m.body_end, m.lines, m.content_type, m.id,
                    m.description, m.encoding, m.md5, m.disposition, m.languages, m.location, m.children,
                    m.envelope);
  }
};

struct Message {
  std::uint64_t size = 0;   // octets: RFC822.SIZE
  std::vector<Part> parts;  // never empty; the first is the message itself; a part comes before what it holds

  const Part& root() const { return parts.front(); }
  const Envelope& envelope() const { return *root().envelope; }

  bool operator==(const Message&) const = default;
  static auto fields(auto& m) { return std::tie(m.size, m.parts); }
};

// `bytes` may be a mapped file; the result does not point into it.
Message parse_message(std::string_view bytes);

}  // namespace mailroom::mime
