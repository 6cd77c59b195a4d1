#include "libcommon/protocol/imap/fetch.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "libcommon/protocol/imap/limits.h"
#include "libcommon/text/ascii.h"

namespace mailroom::imap {
namespace {

constexpr std::uint32_t kFast = kFetchFlags | kFetchInternalDate | kFetchSize;

struct ItemName {
  std::string_view name;
  std::uint32_t items;
};
constexpr std::array<ItemName, 8> kItems{{
    {"FLAGS", kFetchFlags},
    {"UID", kFetchUid},
    {"INTERNALDATE", kFetchInternalDate},
    {"RFC822.SIZE", kFetchSize},
    {"ENVELOPE", kFetchEnvelope},
    {"BODY", kFetchBody},
    {"BODYSTRUCTURE", kFetchBodyStructure},
    {"MODSEQ", kFetchModSequence},
}};
// These stand alone, never in parentheses.
constexpr std::array<ItemName, 3> kMacros{{
    {"ALL", kFast | kFetchEnvelope},
    {"FAST", kFast},
    {"FULL", kFast | kFetchEnvelope | kFetchBody},
}};

struct OldSection {
  std::string_view name;
  Section::Text text;
  SetsSeen sets_seen;
};
constexpr std::array<OldSection, 3> kOldSections{{
    {"RFC822", Section::Text::whole, SetsSeen::yes},
    {"RFC822.HEADER", Section::Text::header, SetsSeen::no},
    {"RFC822.TEXT", Section::Text::text, SetsSeen::yes},
}};

struct TextName {
  std::string_view name;
  Section::Text text;
};
constexpr std::array<TextName, 5> kTexts{{
    {"HEADER", Section::Text::header},
    {"HEADER.FIELDS", Section::Text::header_fields},
    {"HEADER.FIELDS.NOT", Section::Text::header_fields_not},
    {"TEXT", Section::Text::text},
    {"MIME", Section::Text::mime},
}};

template <typename Table>
auto find_name(const Table& table, std::string_view name) {
  return std::find_if(table.begin(), table.end(),
                      [&](const auto& row) { return equals_ignoring_case(row.name, name); });
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

// ftext of RFC 5322: no colon, no blank, no control.
bool is_field_name(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_visible(c) && c != ':'; });
}

void parse_field_names(Scanner& in, FetchSection& wanted) {
  in.space();
  in.expect('(');
  wanted.label += " (";
  do {
    std::string name = in.astring(kMaxHeaderFieldName);
    if (in.ok() && !is_field_name(name)) in.fail("That is not a header field name");
    if (wanted.section.fields.size() == kMaxHeaderFields) {
      in.fail("Too many header fields", SyntaxError::Kind::limit);
    }
    if (!in.ok()) return;
    if (!wanted.section.fields.empty()) wanted.label += ' ';
    wanted.label += std::all_of(name.begin(), name.end(), is_astring_char) ? name : quoted(name);
    wanted.section.fields.push_back(std::move(name));
  } while (in.skip(' '));
  in.expect(')');
  wanted.label += ')';
}

void parse_section_text(Scanner& in, FetchSection& wanted) {
  const auto* const row = find_name(kTexts, in.word());
  if (in.ok() && row == kTexts.end()) in.fail("Unknown section of a message");
  if (!in.ok()) return;
  if (row->text == Section::Text::mime && wanted.section.parts.empty()) {
    in.fail("MIME needs the number of a part");
    return;
  }
  wanted.section.text = row->text;
  wanted.label += row->name;
  if (row->text == Section::Text::header_fields || row->text == Section::Text::header_fields_not) {
    parse_field_names(in, wanted);
  }
}

// "1.2.MIME": the numbers, then what follows their last dot.
void parse_section_spec(Scanner& in, FetchSection& wanted) {
  while (is_digit(in.peek())) {
    if (wanted.section.parts.size() == kMaxSectionParts) {
      in.fail("Too many levels of parts", SyntaxError::Kind::limit);
      return;
    }
    wanted.section.parts.push_back(in.nz_number());
    fmt::format_to(std::back_inserter(wanted.label), "{}", wanted.section.parts.back());
    if (!in.skip('.')) return;
    wanted.label += '.';
  }
  if (in.ok()) parse_section_text(in, wanted);
}

void parse_partial(Scanner& in, FetchSection& wanted) {
  if (!in.skip('<')) return;
  Partial partial;
  partial.first = in.number();
  in.expect('.');
  partial.count = in.nz_number();
  in.expect('>');
  wanted.partial = partial;
  fmt::format_to(std::back_inserter(wanted.label), "<{}>", partial.first);
}

void parse_bracket(Scanner& in, FetchSection& wanted) {
  wanted.label = "BODY[";
  if (in.peek() != ']') parse_section_spec(in, wanted);
  in.expect(']');
  wanted.label += ']';
  parse_partial(in, wanted);
}

void add_section(Scanner& in, FetchRequest& request, FetchSection wanted) {
  const auto same = [&](const FetchSection& other) {
    return other.label == wanted.label && other.partial == wanted.partial;
  };
  const auto known = std::find_if(request.sections.begin(), request.sections.end(), same);
  if (known != request.sections.end()) {
    if (wanted.sets_seen == SetsSeen::yes) known->sets_seen = SetsSeen::yes;
    return;
  }
  if (request.sections.size() == kMaxFetchSections) {
    in.fail("Too many sections in one FETCH", SyntaxError::Kind::limit);
    return;
  }
  request.sections.push_back(std::move(wanted));
}

void parse_item(Scanner& in, FetchRequest& request) {
  const std::string_view name = in.word();
  if (!in.ok()) return;
  FetchSection wanted;
  if (in.skip('[')) {
    if (equals_ignoring_case(name, "BODY.PEEK")) {
      wanted.sets_seen = SetsSeen::no;
    } else if (!equals_ignoring_case(name, "BODY")) {
      in.fail("Unknown data item of FETCH");
    }
    parse_bracket(in, wanted);
    if (in.ok()) add_section(in, request, std::move(wanted));
    return;
  }
  if (const auto* const row = find_name(kItems, name); row != kItems.end()) {
    request.items |= row->items;
  } else if (const auto* const old = find_name(kOldSections, name); old != kOldSections.end()) {
    wanted.section.text = old->text;
    wanted.sets_seen = old->sets_seen;
    wanted.label = old->name;
    add_section(in, request, std::move(wanted));
  } else {
    in.fail("Unknown data item of FETCH");
  }
}

void parse_items(Scanner& in, FetchRequest& request) {
  if (in.skip('(')) {
    do parse_item(in, request);
    while (in.skip(' '));
    in.expect(')');
    return;
  }
  for (const ItemName& macro : kMacros) {
    if (in.skip_word(macro.name)) {
      request.items |= macro.items;
      return;
    }
  }
  parse_item(in, request);
}

void parse_modifiers(Scanner& in, FetchRequest& request) {
  if (!in.skip(' ')) return;
  in.expect('(');
  if (!in.skip_word("CHANGEDSINCE")) in.fail("Unknown modifier of FETCH");
  in.space();
  request.changed_since = in.mod_sequence();
  if (in.ok() && *request.changed_since == 0) in.fail("Zero is not allowed here");
  in.expect(')');
  request.items |= kFetchModSequence;
}

}  // namespace

FetchRequest parse_fetch(Scanner& in) {
  FetchRequest request;
  request.set = SequenceSet::parse(in);
  in.space();
  parse_items(in, request);
  parse_modifiers(in, request);
  in.end();
  return request;
}

}  // namespace mailroom::imap
