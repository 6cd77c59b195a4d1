#include <catch2/catch.hpp>

#include "libcommon/protocol/mime/encoded_word.h"
#include "libcommon/protocol/mime/search.h"
#include "libcommon/protocol/mime/transfer_decoder.h"

using namespace mailroom;
using namespace mailroom::mime;

namespace {

SearchKey key(std::string_view text) { return SearchKey::make(text).value(); }

}  // namespace

TEST_CASE("quoted-printable (RFC 2045 6.7), cut anywhere") {
  const std::pair<std::string, std::string> cases[] = {
      {"a=3Db=c3=A4", "a=b\xc3\xa4"},
      {"soft =  \r\nbreak=\nx", "soft breakx"},
      {"blanks \t \r\nend  ", "blanks\r\nend  "},
      {"=zz =4 =", "=zz =4 ="},
      {"a=\r\n", "a"},
      {"= x", "= x"},
      {"\r\n\r\n \r\n", "\r\n\r\n\r\n"},
      {"=\rx", "=\rx"},
  };
  for (const auto& [coded, plain] : cases) {
    INFO(coded);
    CHECK(decode_transfer(TransferEncoding::quoted_printable, coded) == plain);
    std::string out;
    TransferDecoder decoder(TransferEncoding::quoted_printable);
    for (const char c : coded) decoder.feed(std::string_view(&c, 1), out);
    decoder.finish(out);
    CHECK(out == plain);
  }
  const std::string blanks(100000, ' ');
  CHECK(decode_transfer(TransferEncoding::quoted_printable, blanks + "x") == blanks + "x");
}

TEST_CASE("base64 bodies, cut anywhere") {
  const std::string coded = "Zm9v\r\nYm Fy*Zg==ignored";
  CHECK(decode_transfer(TransferEncoding::base64, coded) == "foobarf");
  std::string out;
  TransferDecoder decoder(TransferEncoding::base64);
  for (const char c : coded) decoder.feed(std::string_view(&c, 1), out);
  decoder.finish(out);
  CHECK(out == "foobarf");
  CHECK(transfer_encoding("BASE64") == TransferEncoding::base64);
  CHECK(transfer_encoding("x-uuencode") == TransferEncoding::identity);
}

TEST_CASE("encoded words (RFC 2047)") {
  const std::pair<const char*, const char*> cases[] = {
      {"=?ISO-8859-1?Q?a?=", "a"},
      {"=?ISO-8859-1?Q?a?= b", "a b"},
      {"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
      {"=?ISO-8859-1?Q?a_b?=  \t =?utf-8?b?w6Q=?=", "a b\xc3\xa4"},
      {"x =?iso-8859-1?q?=E4?= y", "x \xc3\xa4 y"},
      {"=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "\xc3\xa4"},
      {"=?utf-8*de?Q?=C3=A4?=", "\xc3\xa4"},
      {"=?no-such?q?a?=", "=?no-such?q?a?="},
      {"=?utf-8?x?a?= =?utf-8?q?a b?= =?utf-8?q?c", "=?utf-8?x?a?= =?utf-8?q?a b?= =?utf-8?q?c"},
      {"=?=?utf-8?q?a?=", "=?a"},
      {"  ", "  "},
      {"", ""},
  };
  for (const auto& [text, decoded] : cases) {
    INFO(text);
    CHECK(decode_encoded_words(text) == decoded);
  }
}

TEST_CASE("search looks at what a reader would see") {
  const std::string bytes =
      "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
      "From: Ann <ann@example.org>\r\n"
      "X-Empty:\r\n"
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
      "quoted-printable\r\n\r\nStra=DFe in Z=\r\n=FCrich\r\n"
      "--b\r\nContent-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n\r\n"
      "aABpAGQAZABlAG4A\r\n"
      "--b\r\nContent-Type: image/png\r\n\r\nsecret\r\n"
      "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner subject\r\n\r\ninner body\r\n"
      "--b--\r\n";
  const auto message = parse_message(bytes);
  const auto body = [&](const char* text) {
    return message_contains(message, bytes, SearchScope::body, key(text));
  };
  const auto text = [&](const char* t) {
    return message_contains(message, bytes, SearchScope::text, key(t));
  };
  CHECK(body("STRASSE IN Z\xc3\x9cRICH"));
  CHECK(body("hidden"));
  CHECK(body("inner subject"));
  CHECK(body("Inner Body"));
  CHECK_FALSE(body("secret"));
  CHECK_FALSE(body("ann@example"));
  CHECK(text("ann@example"));
  CHECK(text("GR\xc3\x9cSSE"));
  CHECK(text("image/png"));
  CHECK_FALSE(text("nowhere"));
  CHECK(body(""));
  CHECK(header_contains(bytes, "subject", key("gr\xc3\xbc")));
  CHECK_FALSE(header_contains(bytes, "subject", key("ann")));
  CHECK(header_contains(bytes, "x-empty", key("")));
  CHECK_FALSE(header_contains(bytes, "x-other", key("")));
  CHECK_FALSE(message_contains(message, "", SearchScope::text,
                               key("ann")));  // the file is shorter than the index says
}
