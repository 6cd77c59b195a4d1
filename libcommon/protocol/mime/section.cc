#include "libcommon/protocol/mime/section.h"

namespace mailroom::mime {
namespace {

// The message or multipart that the numbers below this part count in: for a message/rfc822 part the message
// within.
const Part& numbering_scope(const Message& message, const Part& part) {
  return part.kind == PartKind::message ? message.parts[part.children.front()] : part;
}

Range header_of(const Part& part) { return {part.header_begin, part.header_size()}; }
Range body_of(const Part& part) { return {part.body_begin, part.body_size()}; }

}  // namespace

const Part* find_part(const Message& message, std::span<const std::uint32_t> path) {
  const Part* scope = &message.root();
  const Part* part = scope;
  bool scope_is_part = false;  // 1 has been said of a scope that is no multipart
  for (const std::uint32_t number : path) {
    if (scope->kind == PartKind::multipart) {
      if (number == 0 || number > scope->children.size()) return nullptr;
      part = &message.parts[scope->children[number - 1]];
    } else {
      if (number != 1 || scope_is_part) return nullptr;
      part = scope;
    }
    const Part* inner = &numbering_scope(message, *part);
    scope_is_part = inner == part && part->kind != PartKind::multipart;
    scope = inner;
  }
  return part;
}

std::optional<Range> find_section(const Message& message, std::span<const std::uint32_t> path,
                                  SectionKind kind) {
  const Part* part = find_part(message, path);
  if (part == nullptr) return std::nullopt;
  if (path.empty()) {
    if (kind == SectionKind::header) return header_of(*part);
    if (kind == SectionKind::text) return body_of(*part);
    if (kind == SectionKind::whole) return Range{0, message.size};
    return std::nullopt;
  }
  if (kind == SectionKind::whole) return body_of(*part);
  if (kind == SectionKind::mime) return header_of(*part);
  if (part->kind != PartKind::message) return std::nullopt;
  const Part& within = numbering_scope(message, *part);
  return kind == SectionKind::header ? header_of(within) : body_of(within);
}

}  // namespace mailroom::mime
