#include "libcommon/protocol/mime/imap_render.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "libcommon/text/ascii.h"

namespace mailroom::mime {
namespace {

constexpr std::string_view kNil = "NIL";
// Longer strings are literals: other implementations read quoted strings into small buffers.
constexpr std::size_t kMaxQuoted = 1000;

bool fits_quoted(std::string_view text) {
  return text.size() <= kMaxQuoted &&
         std::ranges::none_of(text, [](char c) { return is_8bit(c) || c == '\r' || c == '\n' || c == '\0'; });
}

void append_number(std::uint64_t number, std::string& out) {
  fmt::format_to(std::back_inserter(out), " {}", number);
}

// RFC 3501 7.4.2: a group is (NIL NIL name NIL) to (NIL NIL NIL NIL); of a mailbox, mailbox and host are
// never NIL.
void render_address(const rfc5322::Address& address, std::string& out) {
  using rfc5322::AddressKind;
  out += '(';
  render_nstring(address.name, out);
  out += ' ';
  render_nstring(address.route, out);
  out += ' ';
  address.kind == AddressKind::group_end ? void(out += kNil) : render_string(address.mailbox, out);
  out += ' ';
  address.kind == AddressKind::mailbox ? render_string(address.host, out) : void(out += kNil);
  out += ')';
}

void render_addresses(const std::vector<rfc5322::Address>& addresses, std::string& out) {
  out += ' ';
  if (addresses.empty()) {
    out += kNil;
    return;
  }
  out += '(';
  for (const auto& address : addresses) render_address(address, out);
  out += ')';
}

void render_parameters(const std::vector<Parameter>& parameters, std::string& out) {
  if (parameters.empty()) {
    out += kNil;
    return;
  }
  char separator = '(';
  for (const auto& parameter : parameters) {
    out += separator;
    render_string(parameter.name, out);
    out += ' ';
    render_string(parameter.value, out);
    separator = ' ';
  }
  out += ')';
}

// body-fld-dsp, body-fld-lang and body-fld-loc, each after a space.
void render_common_extension(const Part& part, std::string& out) {
  if (part.disposition) {
    out += " (";
    render_string(part.disposition->type, out);
    out += ' ';
    render_parameters(part.disposition->parameters, out);
    out += ") ";
  } else {
    out += " NIL ";
  }
  if (part.languages.empty()) out += kNil;
  char separator = '(';
  for (const auto& language : part.languages) {
    out += separator;
    render_string(language, out);
    separator = ' ';
  }
  if (!part.languages.empty()) out += ')';
  out += ' ';
  render_nstring(part.location, out);
}

class BodyRenderer {
 public:
  BodyRenderer(const Message& message, BodyForm form, std::string& out)
      : message_{&message}, form_{form}, out_{&out} {}

  // Depth first with a stack of its own: messages are as deep as strangers make them.
  void run() {
    open(message_->root());
    while (!open_.empty()) {
      Open& top = open_.back();
      if (top.next_child < top.part->children.size()) {
        open(message_->parts[top.part->children[top.next_child++]]);
      } else {
        close(*top.part);
        open_.pop_back();
      }
    }
  }

 private:
  struct Open {
    const Part* part;
    std::size_t next_child;
  };

  void open(const Part& part) {
    *out_ += '(';
    if (part.kind != PartKind::multipart) render_basic(part);
    if (part.kind == PartKind::message) {
      *out_ += ' ';
      render_envelope(*message_->parts[part.children.front()].envelope, *out_);
      *out_ += ' ';
    }
    open_.push_back({&part, 0});
  }

  void close(const Part& part) {
    if (part.kind == PartKind::multipart) {
      close_multipart(part);
    } else {
      close_single(part);
    }
    *out_ += ')';
  }

  // media-type and body-fields
  void render_basic(const Part& part) {
    render_string(part.content_type.type, *out_);
    *out_ += ' ';
    render_string(part.content_type.subtype, *out_);
    *out_ += ' ';
    render_parameters(part.content_type.parameters, *out_);
    *out_ += ' ';
    render_nstring(part.id, *out_);
    *out_ += ' ';
    render_nstring(part.description, *out_);
    *out_ += ' ';
    render_string(part.encoding.value_or("7bit"), *out_);
    append_number(part.body_size(), *out_);
  }

  void close_single(const Part& part) {
    if (part.kind == PartKind::message || part.content_type.is("text")) append_number(part.lines, *out_);
    if (form_ == BodyForm::basic) return;
    *out_ += ' ';
    render_nstring(part.md5, *out_);
    render_common_extension(part, *out_);
  }

  void close_multipart(const Part& part) {
    *out_ += ' ';
    render_string(part.content_type.subtype, *out_);
    if (form_ == BodyForm::basic) return;
    *out_ += ' ';
    render_parameters(part.content_type.parameters, *out_);
    render_common_extension(part, *out_);
  }

  const Message* message_;
  BodyForm form_;
  std::string* out_;
  std::vector<Open> open_;
};

}  // namespace

void render_string(std::string_view text, std::string& out) {
  if (!fits_quoted(text)) {
    fmt::format_to(std::back_inserter(out), "{{{}}}\r\n", text.size());
    for (const char c : text) out += c == '\0' ? '?' : c;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void render_nstring(const std::optional<std::string>& text, std::string& out) {
  text ? render_string(*text, out) : void(out += kNil);
}

void render_envelope(const Envelope& envelope, std::string& out) {
  const auto or_from = [&](const auto& list) -> const auto& { return list.empty() ? envelope.from : list; };
  out += '(';
  render_nstring(envelope.date, out);
  out += ' ';
  render_nstring(envelope.subject, out);
  render_addresses(envelope.from, out);
  render_addresses(or_from(envelope.sender), out);
  render_addresses(or_from(envelope.reply_to), out);
  render_addresses(envelope.to, out);
  render_addresses(envelope.cc, out);
  render_addresses(envelope.bcc, out);
  out += ' ';
  render_nstring(envelope.in_reply_to, out);
  out += ' ';
  render_nstring(envelope.message_id, out);
  out += ')';
}

void render_bodystructure(const Message& message, BodyForm form, std::string& out) {
  BodyRenderer(message, form, out).run();
}

}  // namespace mailroom::mime
