#include "daemons/imapd/fetch_writer.h"

#include <fmt/format.h>

#include "libcommon/protocol/imap/date.h"
#include "libcommon/protocol/mime/imap_render.h"
#include "libcommon/protocol/mime/section.h"
#include "libcommon/protocol/rfc5322/header.h"

namespace mailroom::imapd {
namespace {

using imap::Section;

constexpr std::uint32_t kStructureItems = imap::kFetchEnvelope | imap::kFetchBody | imap::kFetchBodyStructure;

mime::SectionKind kind_of(Section::Text text) {
  switch (text) {
  case Section::Text::whole:
    return mime::SectionKind::whole;
  case Section::Text::header:
  case Section::Text::header_fields:
  case Section::Text::header_fields_not:
    return mime::SectionKind::header;
  case Section::Text::text:
    return mime::SectionKind::text;
  case Section::Text::mime:
    return mime::SectionKind::mime;
  }
  return mime::SectionKind::whole;
}

bool selects_fields(Section::Text text) {
  return text == Section::Text::header_fields || text == Section::Text::header_fields_not;
}

// RFC 3501 section 6.4.5: beyond the end is empty, not an error.
std::string_view part_of(std::string_view octets, const std::optional<imap::Partial>& partial) {
  if (!partial) return octets;
  if (partial->first >= octets.size()) return {};
  return octets.substr(partial->first, partial->count);
}

}  // namespace

void FetchWriter::separate() {
  if (!first_item_) context_.output.text() += ' ';
  first_item_ = false;
}

void FetchWriter::write_label(std::string_view label) {
  separate();
  context_.output.text().append(label).append(1, ' ');
}

void FetchWriter::write_row_items(const mailbox::Message& message, std::uint32_t items) {
  std::string& out = context_.output.text();
  if ((items & imap::kFetchFlags) != 0) {
    write_label("FLAGS");
    context_.selected->append_flags(out, message);
  }
  if ((items & imap::kFetchUid) != 0) {
    write_label("UID");
    fmt::format_to(std::back_inserter(out), "{}", message.uid);
  }
  if ((items & imap::kFetchInternalDate) != 0) {
    write_label("INTERNALDATE");
    out += imap::render_date_time(message.internal_date);
  }
  if ((items & imap::kFetchSize) != 0) {
    write_label("RFC822.SIZE");
    fmt::format_to(std::back_inserter(out), "{}", message.size);
  }
  if ((items & imap::kFetchModSequence) != 0) {
    write_label("MODSEQ");
    fmt::format_to(std::back_inserter(out), "({})", message.modseq);
  }
}

void FetchWriter::write_structure_items(const mime::Message& structure) {
  std::string& out = context_.output.text();
  if ((request_.items & imap::kFetchEnvelope) != 0) {
    write_label("ENVELOPE");
    mime::render_envelope(structure.envelope(), out);
  }
  if ((request_.items & imap::kFetchBody) != 0) {
    write_label("BODY");
    mime::render_bodystructure(structure, mime::BodyForm::basic, out);
  }
  if ((request_.items & imap::kFetchBodyStructure) != 0) {
    write_label("BODYSTRUCTURE");
    mime::render_bodystructure(structure, mime::BodyForm::extended, out);
  }
}

void FetchWriter::write_literal(std::string_view octets, const std::optional<imap::Partial>& partial) {
  const std::string_view part = part_of(octets, partial);
  fmt::format_to(std::back_inserter(context_.output.text()), "{{{}}}\r\n", part.size());
  context_.output.write_through(part);
}

void FetchWriter::write_section(MessageContent& content, const imap::FetchSection& wanted) {
  const mime::Message& structure = **content.structure();
  const std::string_view bytes = *content.bytes();
  const Section& section = wanted.section;
  const auto range = mime::find_section(structure, section.parts, kind_of(section.text));
  write_label(wanted.label);
  if (!range || range->begin > bytes.size()) {
    context_.output.text() += "NIL";
    return;
  }
  const std::string_view octets = bytes.substr(range->begin, range->size);
  if (selects_fields(section.text)) {
    const auto choice = section.text == Section::Text::header_fields ? rfc5322::FieldChoice::named
                                                                     : rfc5322::FieldChoice::all_others;
    write_literal(rfc5322::select_fields(octets, section.fields, choice), wanted.partial);
  } else {
    write_literal(octets, wanted.partial);
  }
}

// Everything that can fail, before the response is begun.
bool FetchWriter::load(MessageContent& content) {
  std::optional<mailbox::Failure> failure;
  if ((request_.items & kStructureItems) != 0 || !request_.sections.empty()) {
    if (auto structure = content.structure(); !structure) failure = std::move(structure.error());
  }
  if (!failure && !request_.sections.empty()) {
    if (auto bytes = content.bytes(); !bytes) failure = std::move(bytes.error());
  }
  if (failure && !failure_) failure_ = failure;
  return !failure;
}

void FetchWriter::write(const mailbox::Message& message, bool flags_changed) {
  MessageContent content{context_.mail, message.file};
  const auto number = context_.selected->view().number_of(message.uid);
  if (!number || !load(content)) return;
  std::uint32_t items = request_.items;
  if (flags_changed) items |= imap::kFetchFlags;
  if (flags_changed && context_.mod_sequences == ModSequences::shown) items |= imap::kFetchModSequence;
  std::string& out = context_.output.text();
  if ((items & imap::kFetchFlags) != 0)
    static_cast<void>(context_.selected->learn_keywords(context_.mail, message.keywords, out));
  fmt::format_to(std::back_inserter(out), "* {} FETCH (", *number);
  first_item_ = true;
  write_row_items(message, items);
  if ((items & kStructureItems) != 0) write_structure_items(**content.structure());
  for (const imap::FetchSection& wanted : request_.sections) write_section(content, wanted);
  out += ")\r\n";
  context_.output.flush_if_large();
}

}  // namespace mailroom::imapd
