#include <catch2/catch.hpp>

#include "libcommon/protocol/rfc5322/address.h"
#include "libcommon/protocol/rfc5322/message_id.h"

using namespace mailroom::rfc5322;

namespace {

// "name|route|mailbox|host", groups as "{name" and "}".
std::string flat(const AddressList& list) {
  std::string out;
  for (const auto& a : list.addresses) {
    if (!out.empty()) out += ' ';
    if (a.kind == AddressKind::group_start) out += '{' + a.mailbox;
    if (a.kind == AddressKind::group_end) out += '}';
    if (a.kind != AddressKind::mailbox) continue;
    out += a.name.value_or("-") + '|' + a.route.value_or("-") + '|' + a.mailbox + '|' + a.host;
  }
  return out;
}

}  // namespace

TEST_CASE("the examples of RFC 5322 A.1 and A.5") {
  const std::pair<const char*, const char*> cases[] = {
      {"John Doe <jdoe@machine.example>", "John Doe|-|jdoe|machine.example"},
      {"\"Joe Q. Public\" <john.q.public@example.com>", "Joe Q. Public|-|john.q.public|example.com"},
      {"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
       "Mary Smith|-|mary|x.test -|-|jdoe|example.org Who?|-|one|y.test"},
      {"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
       "-|-|boss|nil.test Giant; \"Big\" Box|-|sysservices|example.net"},
      {"A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;",
       "{A Group Ed Jones|-|joe|where.test -|-|joe|where.test John|-|jdoe|one.test }"},
      {"Undisclosed recipients:;", "{Undisclosed recipients }"},
      {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|-|pete|silly.test"},
      {"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         "
       "joe@example.org,\r\n  John "
       "<jdoe@one.test> (my dear friend); (the end of the group)",
       "{A Group Chris Jones|-|c|public.example -|-|joe|example.org John|-|jdoe|one.test }"},
      {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "{Hidden recipients }"},
      // obsolete syntax, A.6
      {"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public|-|john.q.public|example.com"},
      {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
       "Mary Smith|@node.test|mary|example.net -|-|jdoe|test.example"},
      {"<@a.test,@b.test:c@d.test>", "-|@a.test,@b.test|c|d.test"},
      {"ann@example.org (Ann Other)", "Ann Other|-|ann|example.org"},
      {"\"a\\\\b\"@x, x@[IPv6:2001:db8::1]", "-|-|a\\b|x -|-|x|[IPv6:2001:db8::1]"},
      {"", ""},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    const auto list = parse_address_list(text);
    CHECK(list.well_formed);
    CHECK(flat(list) == expected);
  }
}

TEST_CASE("what is no address list still gives what it can") {
  const std::pair<const char*, const char*> cases[] = {
      {"john", "-|-|john|"},
      {"a@b c@d", "-|-|a|b -|-|c|d"},
      {"<a@b", "-|-|a|b"},
      {"a@b;c@d", "-|-|a|b -|-|c|d"},
      {"x: y: z@a;", "{x -|-|z|a }"},
      {"g: a@b", "{g -|-|a|b }"},
      {"<>", "-|-||"},
      {"@", "-|-||"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    const auto list = parse_address_list(text);
    CHECK_FALSE(list.well_formed);
    CHECK(flat(list) == expected);
  }
}

TEST_CASE("a list has at most so many addresses") {
  const auto list = parse_address_list("a@b, c@d, e@f", 2);
  CHECK(flat(list) == "-|-|a|b -|-|c|d");
  CHECK_FALSE(list.well_formed);
  CHECK(parse_address_list("a@b, c@d", 2).well_formed);
  CHECK(flat(parse_address_list("g: a@b, c@d;", 2)) == "{g -|-|a|b }");
}

TEST_CASE("an address as text quotes the local part where it must") {
  CHECK(address_text({AddressKind::mailbox, {}, {}, "a.b", "c"}) == "a.b@c");
  CHECK(address_text({AddressKind::mailbox, {}, {}, "a b", "c"}) == "\"a b\"@c");
  CHECK(address_text({AddressKind::mailbox, {}, {}, "a\"\\", "c"}) == "\"a\\\"\\\\\"@c");
  CHECK(address_text({AddressKind::mailbox, {}, {}, "a..b", "c"}) == "\"a..b\"@c");
  CHECK(address_text({AddressKind::mailbox, {}, {}, "", ""}) == "\"\"");
}

TEST_CASE("message identifiers") {
  using Ids = std::vector<std::string>;
  CHECK(parse_message_ids("<a@b>") == Ids{"a@b"});
  CHECK(parse_message_ids(" <1@x>\r\n\t(c <no@no>) <\"2\"@y><3@[z]> junk <4> <5@w") ==
        Ids{"1@x", "2@y", "3@[z]"});
  CHECK(parse_message_ids("<a <b@c>") == Ids{"b@c"});
  CHECK(parse_message_ids("").empty());
  std::string many;
  for (std::size_t i = 0; i < kMaxMessageIds + 5; ++i) many += "<a@b>";
  CHECK(parse_message_ids(many).size() == kMaxMessageIds);
}
