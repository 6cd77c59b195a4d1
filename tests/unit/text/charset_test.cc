#include <catch2/catch.hpp>

#include "libcommon/text/charset.h"

using namespace mailroom;

TEST_CASE("charsets become UTF-8") {
  prepare_charsets();
  CHECK(to_utf8("ISO-8859-1", "\xe4") == "\xc3\xa4");
  CHECK(to_utf8("windows-1252", "\x80") == "\xe2\x82\xac");
  CHECK(to_utf8("iso-2022-jp", "\x1b$B$\"\x1b(B") == "\xe3\x81\x82");
  CHECK(to_utf8("UTF-8", "a\xff\xc3") == "a\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(to_utf8("us-ascii", "plain") == "plain");
  CHECK(to_utf8("utf-8", std::string(10000, 'a') + "\xf0\x9f\x98\x80") ==
        std::string(10000, 'a') + "\xf0\x9f\x98\x80");
  for (const auto* bad : {"", "no-such-charset", "utf-8,version=1", "a b", "../x"}) {
    INFO(bad);
    CHECK_FALSE(to_utf8(bad, "x"));
    CHECK_FALSE(is_known_charset(bad));
  }
  CHECK_FALSE(is_known_charset(std::string(1000, 'x')));
  CHECK(is_valid_utf8("\xc3\xa4"));
  CHECK_FALSE(is_valid_utf8("\xc3"));
  CHECK(is_valid_utf8(""));
}

TEST_CASE("case folding is that of Unicode") {
  CHECK(fold_case("ABC\xc3\x84") == "abc\xc3\xa4");
  CHECK(fold_case("Stra\xc3\x9f"
                  "e") == "strasse");
  CHECK(fold_case("\xff") == "\xef\xbf\xbd");
  CHECK(fold_case("").empty());
}

TEST_CASE("a search finds its key whatever the pieces") {
  const auto key = SearchKey::make("aab\xc3\xa4").value();
  const std::string text = "xaaaAB\xc3\x84y";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    TextSearch search(key, "utf-8");
    bool found = false;
    for (std::size_t at = 0; at < text.size(); at += piece) found = search.feed(text.substr(at, piece));
    CHECK((found || search.finish()));
  }
  TextSearch miss(key, "utf-8");
  CHECK_FALSE(miss.feed("aaaab\xc3\xa5"));
  CHECK_FALSE(miss.finish());
  CHECK_FALSE(SearchKey::make("x", "no-such"));
  CHECK(TextSearch(key, "iso-8859-1").feed("aab\xe4"));
  CHECK(TextSearch(SearchKey::make("").value(), "utf-8").finish());
}

TEST_CASE("searching is linear, whatever key and text (SECURITY.md V10)") {
  const auto key = SearchKey::make(std::string(32 * 1024, 'a') + 'b').value();
  const std::string text(1 << 20, 'a');
  TextSearch search(key, "utf-8");
  for (int i = 0; i < 8; ++i) CHECK_FALSE(search.feed(text));
  CHECK(search.feed("b"));
}
