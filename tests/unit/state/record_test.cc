#include "spool/state/record.h"

#include <catch2/catch.hpp>

using namespace mailroom::state;

TEST_CASE("a record comes back under its key") {
  const std::string record = encode_record("key", std::uint32_t{7});
  CHECK(decode_record<std::uint32_t>("key", record) == 7);
}

TEST_CASE("a record that was changed, cut, lengthened or moved is refused") {
  const std::string record = encode_record("key", std::string("value"));
  CHECK_FALSE(decode_record<std::string>("kez", record));
  for (std::size_t i = 0; i < record.size(); ++i) {
    CHECK_FALSE(decode_record<std::string>("key", record.substr(0, i)));
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = record;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      CHECK_FALSE(decode_record<std::string>("key", changed));
    }
  }
  CHECK_FALSE(decode_record<std::string>("key", record + '\0'));
}

TEST_CASE("key and payload cannot be shifted against each other") {
  CHECK(seal_record("a", "bc").substr(3) != seal_record("ab", "c").substr(2));
}

TEST_CASE("a right check over a wrong payload is refused too") {
  CHECK_FALSE(decode_record<std::string>("key", seal_record("key", "\xff\xff\xff\xff")));
  CHECK_FALSE(decode_record<std::uint32_t>("key", seal_record("key", "12345")));
}
