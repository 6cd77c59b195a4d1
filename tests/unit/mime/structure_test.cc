#include <catch2/catch.hpp>

#include "libcommon/protocol/mime/imap_render.h"
#include "libcommon/protocol/mime/section.h"
#include "libcommon/protocol/mime/summary.h"

using namespace mailroom;
using namespace mailroom::mime;

namespace {

std::string body_structure(std::string_view bytes, BodyForm form = BodyForm::extended) {
  std::string out;
  render_bodystructure(parse_message(bytes), form, out);
  return out;
}

std::string envelope(std::string_view bytes) {
  std::string out;
  render_envelope(parse_message(bytes).envelope(), out);
  return out;
}

// The octets of a section, or "(none)".
std::string section(std::string_view bytes, std::vector<std::uint32_t> path,
                    SectionKind kind = SectionKind::whole) {
  const auto range = find_section(parse_message(bytes), path, kind);
  return range ? std::string(bytes.substr(range->begin, range->size)) : "(none)";
}

constexpr std::string_view kNested = "Subject: top\r\n"
                                     "Content-Type: multipart/mixed; boundary=\"AA\"\r\n"
                                     "\r\n"
                                     "preamble\r\n"
                                     "--AA\r\n"
                                     "\r\n"
                                     "one\r\n"
                                     "--AA\r\n"
                                     "Content-Type: message/rfc822\r\n"
                                     "\r\n"
                                     "Subject: inner\r\n"
                                     "Content-Type: multipart/alternative; boundary=BB\r\n"
                                     "\r\n"
                                     "--BB\r\n"
                                     "Content-Type: text/html\r\n"
                                     "Content-Transfer-Encoding: QUOTED-PRINTABLE\r\n"
                                     "\r\n"
                                     "<p>\r\n"
                                     "</p>\r\n"
                                     "--BB--\r\n"
                                     "inner epilogue\r\n"
                                     "--AA \r\n"
                                     "Content-Type: message/rfc822\r\n"
                                     "\r\n"
                                     "Subject: plain inner\r\n"
                                     "\r\n"
                                     "text\r\n"
                                     "\r\n"
                                     "--AA--\r\n"
                                     "--AA\r\n"
                                     "epilogue\r\n";

}  // namespace

TEST_CASE("a plain message is one part") {
  CHECK(body_structure("Subject: x\r\n\r\na\r\nb\r\n") ==
        R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 2 NIL NIL NIL NIL))");
  CHECK(body_structure("Subject: x\r\n\r\na", BodyForm::basic) ==
        R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0))");
  CHECK(body_structure("") ==
        R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL))");
  CHECK(body_structure(
            "Content-Type: image/png\nContent-Language: en, de\nContent-MD5: m\nContent-Location: l\n"
            "Content-ID: <i>\nContent-Description: d\nContent-Disposition: attachment; filename=f\n\nx") ==
        R"(("image" "png" NIL "<i>" "d" "7bit" 1 "m" ("attachment" ("filename" "f")) ("en" "de") "l"))");
}

TEST_CASE("parts within parts") {
  CHECK(body_structure(kNested, BodyForm::basic) ==
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0)"
        "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 179 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) "
        "((\"text\" \"html\" NIL NIL NIL \"QUOTED-PRINTABLE\" 9 1) \"alternative\") 10)"
        "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 30 (NIL \"plain inner\" NIL NIL NIL NIL NIL NIL NIL "
        "NIL) "
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 1) 3) \"mixed\")");
}

TEST_CASE("sections (RFC 3501 6.4.5)") {
  CHECK(section(kNested, {}) == kNested);
  CHECK(section(kNested, {}, SectionKind::header) ==
        "Subject: top\r\nContent-Type: multipart/mixed; boundary=\"AA\"\r\n\r\n");
  CHECK(section(kNested, {}, SectionKind::text).starts_with("preamble\r\n"));
  CHECK(section(kNested, {}, SectionKind::mime) == "(none)");
  CHECK(section(kNested, {1}) == "one");
  CHECK(section(kNested, {1}, SectionKind::mime) == "\r\n");
  CHECK(section(kNested, {1}, SectionKind::header) == "(none)");
  CHECK(section(kNested, {1}, SectionKind::text) == "(none)");
  CHECK(section(kNested, {2}).starts_with("Subject: inner\r\n"));
  CHECK(section(kNested, {2}).ends_with("--BB--\r\ninner epilogue"));
  CHECK(section(kNested, {2}, SectionKind::header).starts_with("Subject: inner\r\n"));
  CHECK(section(kNested, {2}, SectionKind::text).starts_with("--BB\r\n"));
  CHECK(section(kNested, {2}, SectionKind::mime) == "Content-Type: message/rfc822\r\n\r\n");
  CHECK(section(kNested, {2, 1}) == "<p>\r\n</p>");
  CHECK(section(kNested, {2, 2}) == "(none)");
  CHECK(section(kNested, {3, 1}) == "text\r\n");
  CHECK(section(kNested, {3, 1}, SectionKind::mime) == "Subject: plain inner\r\n\r\n");
  CHECK(section(kNested, {3, 1, 1}) == "(none)");
  CHECK(section(kNested, {4}) == "(none)");
  CHECK(section(kNested, {0}) == "(none)");

  const std::string_view plain = "A: b\r\n\r\nbody";
  CHECK(section(plain, {1}) == "body");
  CHECK(section(plain, {1}, SectionKind::mime) == "A: b\r\n\r\n");
  CHECK(section(plain, {1, 1}) == "(none)");

  const std::string_view message = "Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\nbody";
  CHECK(section(message, {1}) == "A: b\r\n\r\nbody");
  CHECK(section(message, {1}, SectionKind::text) == "body");
  CHECK(section(message, {1, 1}) == "body");
  CHECK(section(message, {1, 1, 1}) == "(none)");
}

TEST_CASE("a multipart always has a part (RFC 3501 9)") {
  const std::string empty = R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0))";
  CHECK(body_structure("Content-Type: multipart/x\r\n\r\n--\r\n----\r\n", BodyForm::basic) ==
        "(" + empty + " \"x\")");
  CHECK(body_structure("Content-Type: multipart/x; boundary=b\r\n\r\nnothing", BodyForm::basic) ==
        "(" + empty + " \"x\")");
  CHECK(body_structure("Content-Type: multipart/x; boundary=b", BodyForm::basic) == "(" + empty + " \"x\")");
}

TEST_CASE("a digest holds messages (RFC 2046 5.1.5)") {
  const auto message = parse_message(
      "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: s\r\n\r\nx\r\n--b\r\n"
      "Content-Type: text/plain\r\n\r\ny\r\n--b--\r\n");
  REQUIRE(message.parts.size() == 4);
  CHECK(message.parts[1].kind == PartKind::message);
  CHECK(message.parts[2].envelope->subject == "s");
  CHECK(message.parts[3].kind == PartKind::leaf);
}

TEST_CASE("a delimiter ends a header that has no empty line") {
  const std::string_view bytes =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n--b\r\n--b--";
  CHECK(section(bytes, {1}, SectionKind::mime) == "Content-Type: text/html");
  CHECK(section(bytes, {1}) == "");
  CHECK(section(bytes, {2}, SectionKind::mime) == "");
}

TEST_CASE("what cannot be read counts as not there (RFC 2045 5.2)") {
  CHECK(parse_content_type("text/html; charset=\"x\"; a = b ; =; c; d=\"e")->parameters ==
        std::vector<Parameter>{{"charset", "x"}, {"a", "b"}});
  for (const auto* bad : {"", "text", "text/", "/html", "text/html charset=x", "(text/html)"}) {
    INFO(bad);
    CHECK_FALSE(parse_content_type(bad));
  }
  CHECK(parse_content_type("(c) text (c) / (c) html (c)")->is("TEXT", "HTML"));
  CHECK(parse_transfer_encoding(" base64 (c)") == "base64");
  CHECK_FALSE(parse_transfer_encoding("quoted printable"));
  CHECK(parse_disposition("attachment; filename=a b.txt")->parameters ==
        std::vector<Parameter>{{"filename", "a"}});
}

TEST_CASE("parameter continuations are joined (RFC 2231 6)") {
  using Parameters = std::vector<Parameter>;
  const auto of = [](const char* text) { return parse_content_type(text)->parameters; };
  CHECK(of("a/b; x*1=\" two\"; X*0=one") == Parameters{{"X", "one two"}});
  CHECK(of("a/b; x*0*=utf-8''%41; x*1=\"b c\"; x*2*=%44") == Parameters{{"x*", "utf-8''%41b%20c%44"}});
  CHECK(of("a/b; x*0=a; x*1*=%42") == Parameters{{"x*", "''a%42"}});
  CHECK(of("a/b; x*0=a; x*2=c") == Parameters{{"x*0", "a"}, {"x*2", "c"}});
  CHECK(of("a/b; x*0=a; x*0=b") == Parameters{{"x*0", "a"}, {"x*0", "b"}});
  CHECK(of("a/b; x*00=a; *0=b; x*=c") == Parameters{{"x*00", "a"}, {"*0", "b"}, {"x*", "c"}});
}

TEST_CASE("envelopes (RFC 3501 7.4.2)") {
  CHECK(
      envelope("From: A <a@b>\r\nTo: g: c@d;\r\nSubject: s\r\nDate: d\r\nMessage-ID: <m>\r\nIn-Reply-To: "
               "<r>\r\n\r\n") ==
      R"(("d" "s" (("A" NIL "a" "b")) (("A" NIL "a" "b")) (("A" NIL "a" "b")) ((NIL NIL "g" NIL)(NIL NIL "c" "d")(NIL NIL NIL NIL)) NIL NIL "<r>" "<m>"))");
  CHECK(envelope("Sender: x@y\r\nReply-To: z@w\r\nFrom: a\r\nSubject:\r\n\r\n") ==
        R"((NIL "" ((NIL NIL "a" "")) ((NIL NIL "x" "y")) ((NIL NIL "z" "w")) NIL NIL NIL NIL NIL))");
  CHECK(envelope("To: a@b\r\nTo: c@d\r\nSubject: one\r\nSubject: two\r\n\r\n") ==
        R"((NIL "two" NIL NIL NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL))");
}

TEST_CASE("strings are always valid in a response") {
  const auto of = [](std::string_view text) {
    std::string out;
    render_string(text, out);
    return out;
  };
  CHECK(of("a\"b\\c") == "\"a\\\"b\\\\c\"");
  CHECK(of("") == "\"\"");
  CHECK(of("\xc3\xa4") == "{2}\r\n\xc3\xa4");
  CHECK(of("a\rb") == "{3}\r\na\rb");
  CHECK(of(std::string_view("a\0b", 3)) == "{3}\r\na?b");
  CHECK(of(std::string(5000, 'x')).starts_with("{5000}\r\n"));
}

TEST_CASE("limits make opaque leaves") {
  std::string deep;
  for (std::size_t i = 0; i < kMaxDepth + 50; ++i) {
    const auto boundary = "b" + std::to_string(i) + "x";
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  auto message = parse_message(deep);
  CHECK(message.parts.size() == kMaxDepth + 1);
  CHECK(message.parts.back().kind == PartKind::leaf);
  CHECK(message.parts.back().content_type.is("application", "octet-stream"));
  CHECK(decode_summary(encode_summary(message)) == message);

  std::string wide = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (std::size_t i = 0; i < kMaxParts + 50; ++i) wide += "--b\r\n\r\npart\r\n";
  message = parse_message(wide + "--b--\r\nepilogue");
  CHECK(message.parts.size() == kMaxParts);
  CHECK(message.parts.back().body_end == wide.size() - 2);
  CHECK(decode_summary(encode_summary(message)) == message);

  std::string childless = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (std::size_t i = 0; i < kMaxParts; ++i) childless += "--b\r\nContent-Type: multipart/x\r\n\r\n";
  message = parse_message(childless);
  CHECK(message.parts.size() <= kMaxParts);
  CHECK(decode_summary(encode_summary(message)) == message);
}

TEST_CASE("what is kept of a message is bounded, whatever its size") {
  std::string groups = "To: ";
  for (int i = 0; i < 80000; ++i) groups += "a:;";
  std::string many = "Content-Type: multipart/digest; boundary=b\r\n\r\n";
  for (int i = 0; i < 20; ++i) many += "--b\r\n\r\n" + groups + "\r\n\r\nx\r\n";
  const auto message = parse_message(many);
  CHECK(message.parts.size() == 41);
  CHECK(encode_summary(message).size() < 1 << 20);
  CHECK(message.parts[2].envelope->to.size() <= rfc5322::kMaxAddresses + 1);
  CHECK(message.parts[40].envelope->to.empty());
}

TEST_CASE("a summary gives back the message, and nothing else is one") {
  const auto message = parse_message(kNested);
  const auto blob = encode_summary(message);
  CHECK(decode_summary(blob) == message);
  for (std::size_t size = 0; size < blob.size(); ++size)
    CHECK_FALSE(decode_summary(std::string_view(blob).substr(0, size)));
  CHECK_FALSE(decode_summary(blob + '\0'));
  CHECK_FALSE(decode_summary('\x7f' + blob.substr(1)));

  const auto spoilt = [&](auto change) {
    auto copy = message;
    change(copy);
    return decode_summary(encode_summary(copy)).has_value();
  };
  CHECK(spoilt([](Message&) {}));
  CHECK_FALSE(spoilt([](Message& m) { m.size = 10; }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts.clear(); }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[0].envelope.reset(); }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[3].envelope.reset(); }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[0].children[0] = 0; }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[0].children[0] = 99; }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[0].children.pop_back(); }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[0].children.push_back(1); }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[1].kind = PartKind::message; }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[2].kind = PartKind::leaf; }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[1].body_end = m.parts[1].body_begin - 1; }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[1].body_end = m.size + 1; }));
  CHECK_FALSE(spoilt([](Message& m) { m.parts[1].lines = 1000; }));
}
