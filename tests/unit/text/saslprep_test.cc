#include "libcommon/text/saslprep.h"

#include <catch2/catch.hpp>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>

using mailroom::prepare_saslprep;
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

namespace {

// A password that is in no memory in UTF-16 but where somebody has put it.
char16_t letter(std::size_t place) {
  return static_cast<char16_t>(place == 0 ? 0xe4 : 'a' + (place * 7 + 3) % 26);
}

std::string password(std::size_t letters) {
  std::string text = "\u00e4";
  for (std::size_t place = 1; place < letters; ++place) text += static_cast<char>(letter(place));
  return text;
}

// malloc() itself overwrites the first octets of what is freed.
constexpr std::size_t kOverwritten = 16 / sizeof(char16_t);

bool is_there(const volatile char16_t* at, std::size_t letters) {
  for (std::size_t place = kOverwritten; place < letters; ++place)
    if (at[place] != letter(place)) return false;
  return true;
}

// In all of the memory that this process can write.
std::size_t copies_in_memory(std::size_t letters) {
  std::size_t copies = 0;
  std::ifstream maps{"/proc/self/maps"};
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s", &begin, &end, rights) != 3 ||
        std::string_view{rights}.substr(0, 2) != "rw")
      continue;
    for (; begin + letters * sizeof(char16_t) <= end; begin += sizeof(char16_t))
      copies += is_there(reinterpret_cast<const char16_t*>(begin), letters);
  }
  return copies;
}

// Where later calls do not overwrite what it leaves on the stack.
[[gnu::noinline]] std::optional<std::string> saslprep_far_down(const std::string& text) {
  [[maybe_unused]] volatile char room[65536];
  room[0] = 0;
  return saslprep(text);
}

}  // namespace

TEST_CASE("no copy of a password is left", "[bare]") {
  prepare_saslprep();
  const std::size_t letters = GENERATE(20, 100);
  const std::string text = password(letters);
  {
    std::u16string copy;
    for (std::size_t place = 0; place < letters; ++place) copy += letter(place);
    REQUIRE(copies_in_memory(letters) == 1);  // the search finds what is there
    ::explicit_bzero(copy.data(), copy.size() * sizeof(char16_t));
  }
  CHECK(saslprep_far_down(text) == text);
  CHECK(copies_in_memory(letters) == 0);
}
