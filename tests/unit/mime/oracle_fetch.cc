// Answers FETCH for messages on standard input, so that oracle_check.py can ask the parser without a server.
//
//   MESSAGE <octets>\n<octets>      the message that the next questions are about; not answered
//   FETCH <items>\n                 as in UID FETCH; answered with <octets>\n and a FETCH response of
//                                   that many octets
#include <charconv>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "libcommon/protocol/mime/imap_render.h"
#include "libcommon/protocol/mime/section.h"
#include "libcommon/protocol/mime/summary.h"
#include "libcommon/text/ascii.h"

using namespace mailroom;

namespace {

struct Section {
  std::vector<std::uint32_t> path;
  mime::SectionKind kind = mime::SectionKind::whole;
};

// "", "HEADER", "TEXT", "1.2", "1.2.MIME"
Section parse_section(const std::string& text) {
  Section section;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, '.');) {
    if (const auto number = parse_decimal<std::uint32_t>(word)) section.path.push_back(*number);
    if (word == "HEADER") section.kind = mime::SectionKind::header;
    if (word == "TEXT") section.kind = mime::SectionKind::text;
    if (word == "MIME") section.kind = mime::SectionKind::mime;
  }
  return section;
}

void answer_item(const std::string& item, const mime::Message& message, const std::string& bytes,
                 std::string& out) {
  if (item == "RFC822.SIZE") {
    out += "RFC822.SIZE " + std::to_string(message.size);
  } else if (item == "ENVELOPE") {
    out += "ENVELOPE ";
    mime::render_envelope(message.envelope(), out);
  } else if (item == "BODYSTRUCTURE") {
    out += "BODYSTRUCTURE ";
    mime::render_bodystructure(message, mime::BodyForm::extended, out);
  } else if (item.starts_with("BODY.PEEK[")) {
    const auto name = item.substr(10, item.size() - 11);
    const auto section = parse_section(name);
    const auto range = mime::find_section(message, section.path, section.kind);
    out += "BODY[" + name + "] ";
    if (!range) {
      out += "NIL";
    } else {
      out += "{" + std::to_string(range->size) + "}\r\n" + bytes.substr(range->begin, range->size);
    }
  }
}

std::string answer(const std::string& items, const mime::Message& message, const std::string& bytes) {
  std::string out = "* 1 FETCH (";
  std::istringstream words(items);
  bool first = true;
  for (std::string item; words >> item; first = false) {
    if (!first) out += ' ';
    answer_item(item, message, bytes, out);
  }
  return out + ")\r\n";
}

}  // namespace

int main() {
  std::string bytes;
  mime::Message message;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.starts_with("MESSAGE ")) {
      bytes.resize(std::stoul(line.substr(8)));
      std::cin.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      // What the index would give back, so that the summary is checked with the same questions.
      message = mime::decode_summary(mime::encode_summary(mime::parse_message(bytes))).value();
    } else if (line.starts_with("FETCH ")) {
      const auto reply = answer(line.substr(6), message, bytes);
      std::cout << reply.size() << '\n' << reply << std::flush;
    }
  }
}
