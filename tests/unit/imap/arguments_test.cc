#include <catch2/catch.hpp>

#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/date.h"
#include "libcommon/protocol/imap/fetch.h"
#include "libcommon/protocol/imap/limits.h"

using namespace mailroom::imap;

namespace {

template <typename Parse>
auto parsed(Parse parse, std::string_view text) {
  Scanner in{text};
  auto value = parse(in);
  INFO(text);
  if (!in.ok()) FAIL_CHECK(in.error().text);
  return value;
}

template <typename Parse>
bool refused(Parse parse, std::string_view text, SyntaxError::Kind kind = SyntaxError::Kind::bad) {
  Scanner in{text};
  static_cast<void>(parse(in));
  return !in.ok() && in.error().kind == kind;
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("the head of a command") {
  CHECK(parsed(parse_head, "a1 noop").name == "NOOP");
  CHECK(parsed(parse_head, "a1 uid fetch 1 FLAGS").name == "UID FETCH");
  CHECK(refused(parse_head, "+ NOOP"));
  CHECK(refused(parse_head, "a+b NOOP"));
  CHECK(refused(parse_head, "a\x01 NOOP"));
  CHECK(refused(parse_head, "a"));
  CHECK(refused(parse_head, "a  NOOP"));
  CHECK(refused(parse_head, ""));
  CHECK(refused(parse_head, repeated("a", 100) + " NOOP"));
}

TEST_CASE("LOGIN and AUTHENTICATE") {
  const LoginArguments login = parsed(parse_login, "joe \"se cret\"");
  CHECK(login.user == "joe");
  CHECK(login.password == "se cret");
  CHECK(refused(parse_login, "joe"));
  CHECK(refused(parse_login, "joe secret x"));
  CHECK(parsed(parse_authenticate, "plain").mechanism == "PLAIN");
  CHECK_FALSE(parsed(parse_authenticate, "plain").initial_response);
  CHECK(parsed(parse_authenticate, "PLAIN =").initial_response == "=");
  CHECK(refused(parse_authenticate, "PLAIN {3}\r\nabc"));
  CHECK(refused(parse_authenticate, "PLAIN a b"));
  CHECK(refused(parse_authenticate, "PLAIN "));
}

TEST_CASE("ID") {
  CHECK(parsed(parse_id, "NIL").fields.empty());
  CHECK(parsed(parse_id, "()").fields.empty());
  const IdArguments id = parsed(parse_id, R"(("name" "x" "os" NIL))");
  CHECK(id.fields == std::vector<std::pair<std::string, std::string>>{{"name", "x"}, {"os", ""}});
  CHECK(refused(parse_id, R"(("name"))"));
  CHECK(refused(parse_id, R"(("name" "x")"));
  std::string many = "(\"k\" \"v\"" + repeated(" \"k\" \"v\"", 30) + ")";
  CHECK(refused(parse_id, many, SyntaxError::Kind::limit));
}

TEST_CASE("mailbox commands") {
  CHECK(parsed(parse_select, "Entw&APw-rfe (CONDSTORE)").mailbox == "Entw\xc3\xbcrfe");
  CHECK(refused(parse_select, "\"&AC8-etc\"", SyntaxError::Kind::cannot));
  CHECK(refused(parse_select, "x (QRESYNC)"));
  CHECK(parsed(parse_create, "x (USE (\\Drafts \\Sent))").uses ==
        std::vector<std::string>{"\\drafts", "\\sent"});
  CHECK(parsed(parse_rename, "a \"b c\"").to == "b c");
  CHECK(parsed(parse_list, "\"\" %").pattern == "%");
  CHECK(parsed(parse_list, "\"\" \"\"").pattern.empty());
  CHECK(refused(parse_list, "\"\" (a b)"));
  CHECK(parsed(parse_status, "x (messages unseen)").items == (kStatusMessages | kStatusUnseen));
  CHECK(refused(parse_status, "x ()"));
  CHECK(refused(parse_status, "x (FOO)"));
  CHECK(parsed(parse_enable, "condstore x-y").front() == "CONDSTORE");
}

TEST_CASE("APPEND up to its literal") {
  const AppendArguments plain = parsed(parse_append, "x ");
  CHECK(plain.mailbox == "x");
  CHECK_FALSE(plain.date);
  const AppendArguments full = parsed(parse_append, "x (\\Seen $Junk) \"17-Jul-1996 02:44:25 -0700\" ");
  CHECK(full.flags.system == kSeen);
  CHECK(full.flags.keywords == std::vector<std::string>{"$Junk"});
  CHECK(full.date == 837596665);
  CHECK(refused(parse_append, "x (\\Recent) "));
  CHECK(refused(parse_append, "x (\\Seen)"));
  CHECK(refused(parse_append, "x \"31-Feb-1996 02:44:25 -0700\" "));
}

TEST_CASE("STORE") {
  const StoreRequest store = parsed(parse_store, "1:3 (UNCHANGEDSINCE 12) +flags.silent (\\Deleted a A)");
  CHECK(store.mode == StoreRequest::Mode::add);
  CHECK(store.silent);
  CHECK(store.unchanged_since == 12U);
  CHECK(store.flags.system == kDeleted);
  CHECK(store.flags.keywords.size() == 1);
  CHECK(parsed(parse_store, "1 FLAGS ()").flags.system == 0);
  CHECK(parsed(parse_store, "1 -FLAGS \\Seen \\Draft").flags.system == (kSeen | kDraft));
  CHECK(refused(parse_store, "1 FLAGS"));
  CHECK(refused(parse_store, "1 FLAGS (\\Foo)"));
  CHECK(refused(parse_store, "1 FLAGS (a"));
  CHECK(refused(parse_store, "0 FLAGS (a)"));
  std::string many = "1:* +FLAGS (a";
  for (int i = 0; i < 1000; ++i) many += " k" + std::to_string(i);
  CHECK(refused(parse_store, many + ")", SyntaxError::Kind::limit));
}

TEST_CASE("FETCH items") {
  CHECK(parsed(parse_fetch, "1 ALL").items ==
        (kFetchFlags | kFetchInternalDate | kFetchSize | kFetchEnvelope));
  CHECK(parsed(parse_fetch, "1 (uid bodystructure)").items == (kFetchUid | kFetchBodyStructure));
  CHECK(parsed(parse_fetch, "1:* FLAGS (CHANGEDSINCE 5)").changed_since == 5U);
  CHECK(refused(parse_fetch, "1 (ALL)"));
  CHECK(refused(parse_fetch, "1 ()"));
  CHECK(refused(parse_fetch, "1 (FLAGS"));
  CHECK(refused(parse_fetch, "1 FLAGS UID"));
  CHECK(refused(parse_fetch, "1 FOO"));
  CHECK(refused(parse_fetch, "1 FLAGS (CHANGEDSINCE 0)"));
}

TEST_CASE("FETCH sections") {
  const auto one = [](std::string_view text) { return parsed(parse_fetch, text).sections.at(0); };
  CHECK(one("1 BODY[]").label == "BODY[]");
  CHECK(one("1 BODY[]").sets_seen == SetsSeen::yes);
  CHECK(one("1 body.peek[1.2.mime]<0.10>").label == "BODY[1.2.MIME]<0>");
  CHECK(one("1 body.peek[1.2.mime]<0.10>").sets_seen == SetsSeen::no);
  CHECK(one("1 body[1.2.mime]<0.10>").partial == Partial{0, 10});
  CHECK(one("1 BODY[1.2]").section == Section{.parts = {1, 2}});
  CHECK(one("1 BODY[3.HEADER.FIELDS.NOT (From \"X-A\")]").label == "BODY[3.HEADER.FIELDS.NOT (From X-A)]");
  CHECK(one("1 RFC822.HEADER").sets_seen == SetsSeen::no);
  CHECK(one("1 RFC822").label == "RFC822");
  CHECK(parsed(parse_fetch, "1 (BODY.PEEK[] BODY[] body[])").sections.size() == 1);
  CHECK(one("1 (BODY.PEEK[] BODY[])").sets_seen == SetsSeen::yes);
  CHECK(one("1 BODY[]<4294967295.4294967295>").partial == Partial{UINT32_MAX, UINT32_MAX});

  for (const char* bad : {"1 BODY[MIME]", "1 BODY[0]", "1 BODY[1.]", "1 BODY[1..2]", "1 BODY[FOO]", "1 BODY[",
                          "1 BODY[]<1>", "1 BODY[]<1.0>", "1 BODY[HEADER.FIELDS]", "1 BODY[HEADER.FIELDS ()]",
                          "1 FLAGS[]", "1 BODY[HEADER.FIELDS (\"a b\")]", "1 BODY[HEADER.FIELDS (a:)]"}) {
    INFO(bad);
    CHECK(refused(parse_fetch, bad));
  }
}

TEST_CASE("FETCH keeps its limits") {
  std::string sections = "1 (FLAGS";
  for (std::size_t i = 1; i <= kMaxFetchSections + 1; ++i) sections += " BODY[" + std::to_string(i) + "]";
  CHECK(refused(parse_fetch, sections + ")", SyntaxError::Kind::limit));
  CHECK(refused(parse_fetch, "1 BODY[1" + repeated(".1", 100000) + "]", SyntaxError::Kind::limit));
  CHECK(refused(parse_fetch, "1 BODY[HEADER.FIELDS (a" + repeated(" a", 100000) + ")]",
                SyntaxError::Kind::limit));
}

TEST_CASE("date-time both ways") {
  Scanner in{"\" 1-Jan-1970 00:00:00 +0000\""};
  CHECK(parse_date_time(in) == 0);
  CHECK(render_date_time(837596665) == "\"17-Jul-1996 09:44:25 +0000\"");
  CHECK(render_date_time(0) == "\" 1-Jan-1970 00:00:00 +0000\"");
  for (const char* bad :
       {"\"1-Jan-1970 00:00:00 +0000\"", "\" 1-Jan-1970 24:00:00 +0000\"", "\" 1-Jan-1970 00:00:00 +0060\"",
        "\" 1-Jan-1970 00:00:00\"", "\" 1-Foo-1970 00:00:00 +0000\"", "\"00-Jan-1970 00:00:00 +0000\""}) {
    INFO(bad);
    Scanner scanner{bad};
    parse_date_time(scanner);
    CHECK_FALSE(scanner.ok());
  }
}
