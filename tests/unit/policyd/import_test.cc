#include <catch2/catch.hpp>

#include "spool/state/services.h"
#include "tools/account_import.h"

using namespace mailroom;

TEST_CASE("an import file gives names, hashes and services") {
  const auto accounts = parse_import("# ours\n\nalice:$5$x$y\nbob:$y$j9T$a$b:pop,imap\ncarol:$6$a$b:none");
  REQUIRE(accounts);
  REQUIRE(accounts->size() == 3);
  CHECK((*accounts)[0].name == "alice");
  CHECK((*accounts)[0].hash == "$5$x$y");
  CHECK((*accounts)[0].services == state::kUsualServices);
  CHECK((*accounts)[1].services == (state::kPop | state::kImap));
  CHECK((*accounts)[2].services == 0);
  CHECK(parse_import("")->empty());
}

TEST_CASE("an import file with mistakes tells all of them") {
  const auto accounts = parse_import("alice\n../x:$5$a$b\nbob::pop\ncarol:$5$a$b:ftp\ndave:$5$a$b\n");
  REQUIRE_FALSE(accounts);
  CHECK(accounts.error().size() == 4);
  CHECK(accounts.error()[0] == "1: no hash");
  CHECK(accounts.error()[3] == "4: an unknown service");
}

TEST_CASE("services have words") {
  CHECK(state::service_words(state::kUsualServices) == "pop,imap,submission");
  CHECK(state::service_words(0) == "none");
  CHECK(state::parse_service_words("submission,pop") == (state::kPop | state::kSubmission));
  for (const char* bad : {"", "pop,", ",pop", "POP", "pop imap", "all"})
    CHECK_FALSE(state::parse_service_words(bad));
}
