#include "libcommon/dns/message.h"

#include <catch2/catch.hpp>

#include "libcommon/dns/limits.h"
#include "tests/unit/dns/wire.h"

namespace mailroom::dns {
namespace {

using test::kSameName;
using test::u16;
using test::u32;
using test::wire_name;
using test::WireAnswer;

constexpr unsigned kA = 1, kCname = 5, kSoa = 6, kPtr = 12, kMxType = 15, kTxt = 16, kAaaa = 28, kTlsa = 52;
constexpr unsigned kNameError = 3;

std::expected<Answer, std::string> read(const WireAnswer& wire, Type type,
                                        const std::string& name = "example.org") {
  return read_answer(wire.to(name, static_cast<unsigned>(type)), Question{type, name});
}
std::string error_of(const std::expected<Answer, std::string>& answer) {
  return answer ? "(none)" : answer.error();
}
std::string mx_data(unsigned preference, const std::string& exchange) {
  return u16(preference) + wire_name(exchange);
}
std::string soa_data(std::uint32_t minimum) {
  return wire_name("ns.example.org") + wire_name("root.example.org") + u32(1) + u32(2) + u32(3) + u32(4) +
         u32(minimum);
}

TEST_CASE("addresses") {
  const auto v4 = read(WireAnswer{}
                           .add(kSameName, kA, 300, {"\xc0\x00\x02\x01", 4})
                           .add(kSameName, kA, 200, {"\xc0\x00\x02\x02", 4}),
                       Type::a);
  REQUIRE(v4);
  CHECK(v4->outcome == Outcome::answer);
  CHECK(v4->ttl == 200);
  CHECK(v4->canonical_name == "example.org");
  REQUIRE(v4->addresses.size() == 2);
  CHECK(v4->addresses[0].text() == "192.0.2.1");
  CHECK(v4->addresses[1].text() == "192.0.2.2");

  const auto v6 = read(WireAnswer{}.add(kSameName, kAaaa, 300,
                                        std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + '\1'),
                       Type::aaaa);
  REQUIRE(v6);
  REQUIRE(v6->addresses.size() == 1);
  CHECK(v6->addresses[0].text() == "2001:db8::1");
}

TEST_CASE("MX ascend by preference, equal ones stay in their order, the null MX is the root") {
  const auto answer = read(WireAnswer{}
                               .add(kSameName, kMxType, 1, mx_data(20, "B.example.org"))
                               .add(kSameName, kMxType, 1, mx_data(10, "z.example.org"))
                               .add(kSameName, kMxType, 1, mx_data(20, "a.example.org")),
                           Type::mx);
  REQUIRE(answer);
  CHECK(answer->mx == std::vector<Mx>{{10, "z.example.org"}, {20, "b.example.org"}, {20, "a.example.org"}});
  CHECK(read(WireAnswer{}.add(kSameName, kMxType, 1, mx_data(0, "")), Type::mx)->mx ==
        std::vector<Mx>{{0, ""}});
}

TEST_CASE("texts: the strings of one record are one text") {
  const auto answer = read(WireAnswer{}
                               .add(kSameName, kTxt, 1, "\x08v=STSv1;\x05 id=1")
                               .add(kSameName, kTxt, 1, std::string(1, '\0')),
                           Type::txt);
  REQUIRE(answer);
  CHECK(answer->texts == std::vector<std::string>{"v=STSv1; id=1", ""});
}

TEST_CASE("names of an address, and TLSA records") {
  CHECK(read(WireAnswer{}.add(kSameName, kPtr, 1, wire_name("Host.Example")), Type::ptr)->names ==
        std::vector<std::string>{"host.example"});
  CHECK(read(WireAnswer{}.add(kSameName, kTlsa, 1,
                              "\x03\x01\x01"
                              "digest"),
             Type::tlsa)
            ->tlsa == std::vector<Tlsa>{{3, 1, 1, "digest"}});
}

TEST_CASE("aliases are followed, whatever the order of the records") {
  const auto answer = read(WireAnswer{}
                               .add(wire_name("c.example"), kA, 300, "abcd")
                               .add(wire_name("b.example"), kCname, 50, wire_name("c.example"))
                               .add(kSameName, kCname, 100, wire_name("b.example"))
                               .add(wire_name("other.example"), kA, 10, "efgh"),
                           Type::a);
  REQUIRE(answer);
  CHECK(answer->canonical_name == "c.example");
  CHECK(answer->addresses.size() == 1);
  CHECK(answer->ttl == 50);  // of what counts, the shortest
  CHECK(read(WireAnswer{}.add(kSameName, kCname, 100, wire_name("b.example")), Type::cname)->names ==
        std::vector<std::string>{"b.example"});
}

TEST_CASE("nothing there: no data, no domain; kept as long as the SOA says") {
  const auto none = read(WireAnswer{}.add_authority(wire_name("org"), kSoa, 100, soa_data(60)), Type::mx);
  REQUIRE(none);
  CHECK(none->outcome == Outcome::no_data);
  CHECK(none->ttl == 60);
  CHECK(none->canonical_name == "example.org");

  WireAnswer absent{.code = kNameError};
  const auto gone = read(absent.add_authority(wire_name("org"), kSoa, 30, soa_data(60)), Type::mx);
  REQUIRE(gone);
  CHECK(gone->outcome == Outcome::no_domain);
  CHECK(gone->ttl == 30);

  CHECK(read(WireAnswer{}, Type::mx)->ttl == 0);  // RFC 2308 5: without SOA it is not kept
  // An alias to a name that is not there.
  WireAnswer dangling{.code = kNameError};
  CHECK(read(dangling.add(kSameName, kCname, 9, wire_name("gone.example")), Type::a)->outcome ==
        Outcome::no_domain);
  // Records of another type or class.
  CHECK(read(WireAnswer{}.add(kSameName, kTxt, 9, "\x01x"), Type::mx)->outcome == Outcome::no_data);
  WireAnswer chaos;
  chaos.add(kSameName, kA, 9, "abcd");
  chaos.records[kSameName.size() + 3] = 3;
  CHECK(read(chaos, Type::a)->outcome == Outcome::no_data);
}

TEST_CASE("times to live") {
  CHECK(read(WireAnswer{}.add(kSameName, kA, 700'000, "abcd"), Type::a)->ttl == kMaxTtl);
  CHECK(read(WireAnswer{}.add(kSameName, kA, 0x80000000, "abcd"), Type::a)->ttl == 0);  // RFC 2181 8
}

TEST_CASE("names that are no host's are left out; without any other the lookup has failed") {
  const std::string weird = u16(10) + std::string("\x04"
                                                  "$(i)"
                                                  "\0",
                                                  6);
  const auto one = read(
      WireAnswer{}.add(kSameName, kMxType, 1, weird).add(kSameName, kMxType, 1, mx_data(20, "mx")), Type::mx);
  REQUIRE(one);
  CHECK(one->mx == std::vector<Mx>{{20, "mx"}});
  CHECK(error_of(read(WireAnswer{}.add(kSameName, kMxType, 1, weird), Type::mx)) ==
        "no record with a host name");
  CHECK(error_of(read(WireAnswer{}.add(kSameName, kPtr, 1,
                                       std::string("\x02\n\n"
                                                   "\0",
                                                   4)),
                      Type::ptr)) == "no record with a host name");
  CHECK(error_of(read(WireAnswer{}.add(kSameName, kCname, 1,
                                       std::string("\x02\n\n"
                                                   "\0",
                                                   4)),
                      Type::a)) == "an alias to what is no host name");
}

TEST_CASE("an answer to another question, or an error") {
  const WireAnswer wire = WireAnswer{}.add(kSameName, kA, 1, "abcd");
  CHECK(error_of(read_answer(wire.to("other.org", kA), {Type::a, "example.org"})) ==
        "an answer to another question");
  CHECK(error_of(read_answer(wire.to("example.org", kAaaa), {Type::a, "example.org"})) ==
        "an answer to another question");
  CHECK(read_answer(wire.to("EXAMPLE.org", kA), {Type::a, "example.org"}).has_value());
  CHECK(error_of(read(WireAnswer{.code = 2}, Type::a)) == "an error code");
  std::string without_question = wire.to("example.org", kA);
  without_question[5] = 0;
  CHECK(error_of(read_answer(without_question, {Type::a, "example.org"})) == "not one question");
}

TEST_CASE("circles and chains of aliases") {
  CHECK(error_of(read(WireAnswer{}.add(kSameName, kCname, 1, wire_name("example.org")), Type::a)) ==
        "too many aliases");
  CHECK(error_of(read(WireAnswer{}
                          .add(kSameName, kCname, 1, wire_name("b"))
                          .add(wire_name("b"), kCname, 1, wire_name("example.org")),
                      Type::a)) == "too many aliases");
  WireAnswer chain;
  chain.add(kSameName, kCname, 1, wire_name("a0"));
  for (unsigned i = 0; i + 1 < kMaxAliases; ++i)
    chain.add(wire_name("a" + std::to_string(i)), kCname, 1, wire_name("a" + std::to_string(i + 1)));
  WireAnswer longer = chain;
  const std::string last = "a" + std::to_string(kMaxAliases - 1);
  CHECK(read(chain.add(wire_name(last), kA, 1, "abcd"), Type::a)->addresses.size() == 1);
  longer.add(wire_name(last), kCname, 1, wire_name("end"));
  CHECK(error_of(read(longer.add(wire_name("end"), kA, 1, "abcd"), Type::a)) == "too many aliases");
}

TEST_CASE("bounds") {
  WireAnswer mx;
  for (unsigned i = 0; i < 2'000; ++i)
    mx.add(kSameName, kMxType, 1, mx_data(5'000 - i, "h" + std::to_string(i)));
  const auto best = read(mx, Type::mx);
  REQUIRE(best);
  CHECK(best->mx.size() == kMaxMx);
  CHECK(best->mx.front() == Mx{3'001, "h1999"});

  const auto many = [](std::size_t count, unsigned type, const std::string& data) {
    WireAnswer wire;
    for (std::size_t i = 0; i < count; ++i) wire.add(kSameName, type, 1, data);
    return wire;
  };
  CHECK(read(many(kMaxAddresses, kA, "abcd"), Type::a)->addresses.size() == kMaxAddresses);
  CHECK(error_of(read(many(kMaxAddresses + 1, kA, "abcd"), Type::a)) == "more records than are taken");
  CHECK(error_of(read(many(kMaxTlsa + 1, kTlsa, "\x03\x01\x01x"), Type::tlsa)) ==
        "more records than are taken");
  CHECK(error_of(read(many(kMaxTexts + 1, kTxt, "\x01x"), Type::txt)) == "more records than are taken");
  CHECK(error_of(read(many(1, kTlsa, "\x03\x01\x01" + std::string(kMaxTlsaData + 1, 'x')), Type::tlsa)) ==
        "a TLSA record beyond bounds");
  // 64 KiB of text in one record: left out, it is nothing that is looked for.
  std::string long_text;
  for (int i = 0; i < 200; ++i) long_text += '\xff' + std::string(255, 'x');
  const auto texts =
      read(WireAnswer{}.add(kSameName, kTxt, 1, long_text).add(kSameName, kTxt, 1, "\x01y"), Type::txt);
  CHECK(texts->texts == std::vector<std::string>{"y"});
}

TEST_CASE("records that are not what their type says") {
  CHECK(error_of(read(WireAnswer{}.add(kSameName, kA, 1, "abc"), Type::a)) == "it ends too early");
  CHECK(error_of(read(WireAnswer{}.add(kSameName, kA, 1, "abcde"), Type::a)) ==
        "a record with octets left over");
  CHECK(error_of(read(WireAnswer{}.add(kSameName, kMxType, 1, mx_data(1, "a") + "x"), Type::mx)) ==
        "a record with octets left over");
  CHECK(error_of(read(WireAnswer{}.add(kSameName, kTxt, 1, "\x05x"), Type::txt)) == "it ends too early");
  CHECK(error_of(read(WireAnswer{}.add(kSameName, kTxt, 1, ""), Type::txt)) == "it ends too early");
  // A name that reaches beyond its record.
  CHECK(error_of(read(WireAnswer{}.add(kSameName, kMxType, 1,
                                       u16(1) + "\x09"
                                                "abc"),
                      Type::mx)) == "a malformed name");
}

TEST_CASE("cut at every octet, it is an error and nothing else") {
  const std::string whole = WireAnswer{}
                                .add(kSameName, kCname, 100, wire_name("b.example"))
                                .add(wire_name("b.example"), kMxType, 300, mx_data(10, "mx.example"))
                                .add_authority(wire_name("example"), kSoa, 1, soa_data(1))
                                .to("example.org", kMxType);
  const Question question{Type::mx, "example.org"};
  REQUIRE(read_answer(whole, question));
  const std::size_t answer_ends =
      whole.size() - test::record(wire_name("example"), kSoa, 1, soa_data(1)).size();
  for (std::size_t size = 0; size < answer_ends; ++size)
    CHECK_FALSE(read_answer(whole.substr(0, size), question));
}

}  // namespace
}  // namespace mailroom::dns
