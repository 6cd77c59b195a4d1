#include "libcommon/ipc/codec.h"

#include <catch2/catch.hpp>

namespace {

using namespace mailroom;

enum class Colour : std::uint8_t { red, green, kLast = green };

struct Inner {
  std::uint16_t number = 0;
  std::string text;
  auto operator<=>(const Inner&) const = default;
  static auto fields(auto& m) { return std::tie(m.number, m.text); }
};

struct Outer {
  bool flag = false;
  Colour colour = Colour::red;
  std::vector<Inner> inners;
  std::optional<std::string> maybe;
  std::variant<std::uint32_t, std::string> either;
  std::array<std::uint8_t, 3> three{};
  static auto fields(auto& m) { return std::tie(m.flag, m.colour, m.inners, m.maybe, m.either, m.three); }
};

Outer example() {
  return {true, Colour::green, {{7, "seven"}, {8, ""}}, "there", std::string{"text"}, {1, 2, 3}};
}

TEST_CASE("what is encoded decodes to the same") {
  const auto decoded = ipc::decode<Outer>(ipc::encode(example()));
  REQUIRE(decoded);
  CHECK(decoded->flag);
  CHECK(decoded->colour == Colour::green);
  CHECK(decoded->inners == example().inners);
  CHECK(decoded->maybe == "there");
  CHECK(std::get<std::string>(decoded->either) == "text");
  CHECK(decoded->three == std::array<std::uint8_t, 3>{1, 2, 3});
}

TEST_CASE("every proper prefix and every trailing octet is refused") {
  const std::string bytes = ipc::encode(example());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    CHECK_FALSE(ipc::decode<Outer>(std::string_view{bytes}.substr(0, length)));
  CHECK_FALSE(ipc::decode<Outer>(bytes + '\0'));
}

TEST_CASE("values out of range are refused") {
  CHECK_FALSE(ipc::decode<bool>("\x02"));
  CHECK_FALSE(ipc::decode<Colour>("\x02"));
  CHECK_FALSE(ipc::decode<std::optional<bool>>("\x02"));
  using Either = std::variant<bool, Colour>;
  CHECK_FALSE(ipc::decode<Either>(std::string_view{"\x02\x00", 2}));
}

TEST_CASE("a count that the input cannot back allocates nothing") {
  const std::string four_billion = "\xff\xff\xff\xff";
  CHECK_FALSE(ipc::decode<std::string>(four_billion));
  CHECK_FALSE(ipc::decode<std::vector<std::string>>(four_billion + "abc"));
}

struct Forgetful {
  std::uint32_t kept = 0;
  std::uint32_t forgotten = 0;
  static auto fields(auto& m) { return std::tie(m.kept); }
};
static_assert(!ipc::detail::all_fields_listed<Forgetful>());
static_assert(ipc::detail::all_fields_listed<Inner>());
static_assert(ipc::detail::all_fields_listed<Outer>());

}  // namespace
