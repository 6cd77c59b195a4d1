#include "libcommon/policy/quirks.h"

#include <catch2/catch.hpp>

namespace mailroom::policy {
namespace {

TEST_CASE("quirk words and quirks say the same") {
  Quirks quirks;
  CHECK(quirk_words(quirks).empty());
  for (const char* word : {"tls-min=1.0", "old-ciphers", "bare-lf", "any-helo", "add-fields", "detect-tls"})
    REQUIRE(take_quirk(word, quirks));
  CHECK(quirks == Quirks{TlsVersion::tls1_0, true, true, true, true, true});
  Quirks again;
  for (const std::string& word : quirk_words(quirks)) REQUIRE(take_quirk(word, again));
  CHECK(again == quirks);
}

TEST_CASE("another word is no quirk, and changes nothing") {
  Quirks quirks;
  for (const char* word : {"", "tls-min", "tls-min=1.4", "Bare-LF", "bare-lf "})
    CHECK_FALSE(take_quirk(word, quirks));
  CHECK(quirks == Quirks{});
}

TEST_CASE("what either forgives is forgiven") {
  Quirks listener{.tls_min = TlsVersion::tls1_3, .any_helo = true};
  Quirks device{.tls_min = TlsVersion::tls1_0, .bare_lf = true};
  CHECK(forgiven_by_either(listener, device) ==
        Quirks{.tls_min = TlsVersion::tls1_0, .bare_lf = true, .any_helo = true});
  CHECK(forgiven_by_either(listener, device) == forgiven_by_either(device, listener));
}

TEST_CASE("old TLS is below 1.2, or old ciphers") {
  CHECK_FALSE(Quirks{}.has_old_tls());
  CHECK(Quirks{.tls_min = TlsVersion::tls1_1}.has_old_tls());
  CHECK(Quirks{.old_ciphers = true}.has_old_tls());
}

}  // namespace
}  // namespace mailroom::policy
