#include "libcommon/text/saslprep.h"

#include <catch2/catch.hpp>

using mailroom::saslprep;

// RFC 4013 section 3
TEST_CASE("the examples of RFC 4013") {
  CHECK(saslprep("I\u00adX") == "IX");
  CHECK(saslprep("user") == "user");
  CHECK(saslprep("USER") == "USER");
  CHECK(saslprep("\u00aa") == "a");
  CHECK(saslprep("\u2168") == "IX");
  CHECK(saslprep("\x07") == std::nullopt);
  CHECK(saslprep("\u0627\u0031") == std::nullopt);
}

TEST_CASE("one password in several spellings is one") {
  CHECK(saslprep("pass w\u00f6rd") == "pass w\u00f6rd");
  CHECK(saslprep("pass wo\u0308rd") == "pass w\u00f6rd");
  CHECK(saslprep("pass\u00a0word") == "pass word");
  CHECK(saslprep("\ufdfa")->size() > 18);
}

TEST_CASE("what is no text has no prepared form") {
  CHECK_FALSE(saslprep("latin-1 \xf6"));
  CHECK_FALSE(saslprep("cut \xc3"));
  CHECK_FALSE(saslprep("tab\t"));
  CHECK_FALSE(saslprep("\u0221"));  // not assigned in Unicode 3.2
  CHECK(saslprep("") == "");
}
