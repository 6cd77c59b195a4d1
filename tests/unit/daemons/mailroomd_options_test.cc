#include "daemons/mailroomd/options.h"

#include <fcntl.h>
#include <getopt.h>

#include <catch2/catch.hpp>
#include <vector>

#include "libcommon/sys/fd.h"

using namespace mailroom;

namespace {

std::expected<Options, std::string> parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "mailroomd");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::optind = 0;  // glibc: from the beginning
  return parse_options(static_cast<int>(words.size()), arguments.data());
}

}  // namespace

TEST_CASE("whoever waits for mailroomd to be ready names a descriptor that is open") {
  Fd waits{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  const int number = waits.get();
  REQUIRE(number >= 3);
  REQUIRE(parsed({"--ready-fd", std::to_string(number)}));
  CHECK(parsed({"--ready-fd", std::to_string(number)})->ready_fd == number);
  waits.reset();
  REQUIRE_FALSE(parsed({"--ready-fd", std::to_string(number)}));
  CHECK(parsed({"--ready-fd", std::to_string(number)}).error().starts_with("usage: mailroomd "));
}

TEST_CASE("it is none of the standard ones, and a number") {
  for (const char* const other : {"0", "1", "2", "-1", "", "3x", "x", "1024", "99999999999999999999"})
    CHECK_FALSE(parsed({"--ready-fd", other}));
}

TEST_CASE("what mailroomd(8) does not know is a wrong usage") {
  CHECK(parsed({"--config", "/tmp/x", "--unprivileged"}));
  CHECK_FALSE(parsed({"--no-such-option"}));
  CHECK_FALSE(parsed({"word"}));
}
