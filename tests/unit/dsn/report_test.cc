#include <catch2/catch.hpp>

#include "libcommon/protocol/dsn/encoding.h"
#include "libcommon/protocol/dsn/human_text.h"
#include "libcommon/protocol/rfc5322/header.h"
#include "tests/unit/dsn/sample.h"

using namespace mailroom;
using namespace mailroom::dsn;
using test::kMessage, test::kNow;

namespace {

std::string composed(const Report& report, Return part = Return::whole,
                     Transport transport = Transport::seven_bit) {
  return compose(report, {kMessage, part}, transport).content;
}

std::string field_of(const std::string& text, std::string_view name) {
  const auto found = rfc5322::find_field(text, name);
  return found ? rfc5322::unfold(found->value) : "(none)";
}

bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

unsigned count(const std::string& text, std::string_view what) {
  unsigned n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("the header of a report") {
  const std::string text = composed(test::report());
  CHECK(field_of(text, "Date") == "Sun, 22 Nov 2026 02:00:00 +0000");
  CHECK(field_of(text, "From") == "Mail Delivery System <postmaster@campus.example>");
  CHECK(field_of(text, "To") == "<anna@campus.example>");
  CHECK(field_of(text, "Subject") == "Not delivered: Lunch on Monday");
  CHECK(field_of(text, "Message-ID") == "<0123456789ab.1@mail.campus.example>");
  CHECK(field_of(text, "In-Reply-To") == "<1@campus.example>");
  CHECK(field_of(text, "References") == "<1@campus.example>");
  CHECK(field_of(text, "Auto-Submitted") == "auto-replied");
  CHECK(field_of(text, "X-Mailroom-Report") == "mail.campus.example");
  CHECK(field_of(text, "Content-Type") ==
        "multipart/report; report-type=delivery-status; boundary=\"=_report_0123456789ab.1\"");
}

TEST_CASE("a report about a message that did without TLS does so too (RFC 8689 6)") {
  CHECK(composed(test::report()).find("TLS-Required") == std::string::npos);
  Report report = test::report();
  report.tls_optional = true;
  CHECK(composed(report).find("\r\nTLS-Required: No\r\n") != std::string::npos);
}

TEST_CASE("every line of a report ends in CRLF and is short enough") {
  Report report = test::report();
  report.recipients[0].reply = "550 " + std::string(5000, 'x');
  report.recipients[0].address = std::string(5000, 'y');
  const std::string text = composed(report);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    REQUIRE(end != std::string::npos);
    REQUIRE(text[end - 1] == '\r');
    REQUIRE(end - begin < 998);
    begin = end + 1;
  }
}

TEST_CASE("what the far side said is there for people and for programs") {
  const std::string text = composed(test::report());
  CHECK(has(text, "nobody@far.example\r\n    There is nobody with this address at far.example.\r\n"
                  "    mx1.far.example said:\r\n        550 5.1.1 No such user here\r\n"));
  CHECK(has(text, "\r\nDiagnostic-Code: smtp; 550 5.1.1 No such user here\r\n"));
  CHECK(has(text, "\r\nRemote-MTA: dns; mx1.far.example\r\n"));
}

TEST_CASE("without words of the far side ours are given") {
  Report report = test::report();
  report.recipients[0].reply.clear();
  report.recipients[0].host.clear();
  report.recipients[0].status = "4.4.1";
  report.recipients[0].problem = "connection timed out";
  report.recipients[0].expired = true;
  const std::string text = composed(report);
  CHECK(has(text, "It was tried again and again"));
  CHECK(has(text, "In technical words: connection timed out"));
  CHECK(has(text, "\r\nDiagnostic-Code: X-Mailroom; connection timed out\r\n"));
  CHECK(has(text, "\r\nStatus: 4.4.1\r\n"));
  CHECK_FALSE(has(text, "Remote-MTA"));
}

TEST_CASE("all that RFC 3461 passes through") {
  Report report = test::report();
  report.envid = "QQ+2B314159";
  report.recipients[0].orcpt = "rfc822;someone+2Belse@campus.example";
  const std::string text = composed(report);
  CHECK(has(text, "\r\n\r\nOriginal-Envelope-Id: QQ+314159\r\nReporting-MTA: dns; mail.campus.example\r\n"));
  CHECK(has(text, "\r\n\r\nOriginal-Recipient: rfc822; someone+else@campus.example\r\n"
                  "Final-Recipient: rfc822; nobody@far.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"));
  CHECK(has(text, "\r\nLast-Attempt-Date: Sun, 22 Nov 2026 02:00:00 +0000\r\n"));
  CHECK(has(text, "\r\nArrival-Date: Sun, 22 Nov 2026 01:59:00 +0000\r\n"));
}

TEST_CASE("a delay says until when, and what need not be done") {
  Report report = test::report();
  report.tried_until = kNow + 86400;
  report.recipients[0].action = Action::delayed;
  report.recipients[0].status = "4.2.2";
  const std::string text = composed(report);
  CHECK(field_of(text, "Subject") == "Delayed: Lunch on Monday");
  CHECK(has(text, "\r\nWill-Retry-Until: Mon, 23 Nov 2026 02:00:00 +0000\r\n"));
  CHECK(has(text, "You need not do anything"));
  CHECK(has(text, "Delivery is tried until Mon, 23 Nov 2026 02:00:00 +0000."));
  CHECK(has(text, "So far: The recipient's mailbox is full."));
}

TEST_CASE("a success has no advice, and no status of failure") {
  for (const Action action : {Action::delivered, Action::relayed, Action::expanded}) {
    Report report = test::report();
    report.recipients[0].action = action;
    const std::string text = composed(report, Return::header);
    CHECK(has(text, std::string("\r\nAction: ") + action_name(action) + "\r\nStatus: 2.0.0\r\n"));
    CHECK_FALSE(has(text, "spelling"));
  }
}

TEST_CASE("a status of another class is not repeated") {
  Report report = test::report();
  for (const char* status :
       {"", "5.1", "2.1.5", "5.1.1\r\nAction: delivered", "5.01.1", "5.1.1000", "3.1.1"}) {
    report.recipients[0].status = status;
    CHECK(has(composed(report), "\r\nStatus: 5.0.0\r\n"));
  }
}

TEST_CASE("the worst fate gives the subject") {
  auto delivered = test::failed("a@b.example");
  delivered.action = Action::delivered;
  CHECK(summary(test::report({delivered, test::failed()})) == "Not delivered");
  CHECK(summary(test::report({delivered})) == "Delivered");
}

TEST_CASE("the message or its header") {
  CHECK(has(composed(test::report(), Return::whole), "Content-Type: message/rfc822\r\n"));
  CHECK(has(composed(test::report(), Return::whole), "\r\nShall we?\r\n"));
  CHECK(has(composed(test::report(), Return::header), "Content-Type: text/rfc822-headers\r\n"));
  CHECK_FALSE(has(composed(test::report(), Return::header), "Shall we?"));
}

TEST_CASE("eight bits and long lines go where they are taken") {
  const std::string with_umlaut = kMessage + "\xc3\xa4\r\n";
  const std::string with_long_line = kMessage + std::string(999, 'x') + "\r\n";
  for (const std::string& message : {with_umlaut, with_long_line}) {
    const auto narrow = compose(test::report(), {message, Return::whole}, Transport::seven_bit);
    CHECK_FALSE(narrow.eight_bit);
    CHECK(is_ascii(narrow.content));
    CHECK(has(narrow.content, "text/rfc822-headers"));
    CHECK(has(narrow.content, "The header of your message is attached."));
    const auto wide = compose(test::report(), {message, Return::whole}, Transport::eight_bit);
    CHECK(wide.eight_bit);
    CHECK(has(wide.content, message));
    CHECK(field_of(wide.content, "Content-Transfer-Encoding") == "8bit");
  }
}

TEST_CASE("a header with eight bits is encoded") {
  const std::string message = "Subject: \xe4\xc3\xa4\r\nX: y\r\n\r\nbody\r\n";
  const auto out = compose(test::report(), {message, Return::header}, Transport::seven_bit);
  CHECK(is_ascii(out.content));
  CHECK(has(out.content,
            "text/rfc822-headers; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            "Subject: =E4=C3=A4\r\nX: y\r\n"));
}

TEST_CASE("a large header is cut between lines") {
  std::string message;
  for (int i = 0; i < 3000; ++i) message += "X-Field: " + std::string(60, 'x') + "\r\n";
  const auto out = compose(test::report(), {message, Return::header}, Transport::seven_bit);
  CHECK(out.content.size() < kMaxReturnedHeader + 8 * 1024);
  CHECK(count(out.content, "X-Field: ") == kMaxReturnedHeader / 71);
}

TEST_CASE("internationalized addresses, RFC 6533") {
  Report report = test::report({test::failed("j\xc3\xb6rg@far.example")});
  SECTION("to a sender in ASCII all is ASCII") {
    const auto out = compose(report, {kMessage, Return::whole}, Transport::seven_bit);
    CHECK_FALSE(out.smtputf8);
    CHECK(is_ascii(out.content));
    CHECK(has(out.content, "\r\nFinal-Recipient: utf-8; j\\x{F6}rg@far.example\r\n"));
  }
  SECTION("to one in UTF-8 all may be") {
    report.recipient = "m\xc3\xbcller@campus.example";
    report.recipients[0].orcpt = "utf-8;j\\x{F6}rg@far.example";
    const auto out = compose(report, {kMessage, Return::whole}, Transport::seven_bit);
    CHECK(out.smtputf8);
    CHECK(has(out.content, "report-type=global-delivery-status"));
    CHECK(has(out.content, "Content-Type: message/global-delivery-status\r\n"));
    CHECK(has(out.content, "Content-Type: message/global\r\n"));
    CHECK(has(out.content, "\r\nFinal-Recipient: utf-8; j\xc3\xb6rg@far.example\r\n"));
    CHECK(has(out.content, "\r\nOriginal-Recipient: utf-8; j\\x{F6}rg@far.example\r\n"));
    CHECK(has(out.content, "\r\nTo: <m\xc3\xbcller@campus.example>\r\n"));
  }
}

TEST_CASE("nothing from outside leaves its place") {
  const std::string attack = "x\r\nBcc: evil@evil.example\r\n\r\n--=_report_0123456789ab.1\r\nContent-Type: "
                             "text/html\r\n\r\n\x1b[2J";
  Report report = test::report();
  report.recipient = attack;
  report.envid = attack;
  auto& recipient = report.recipients[0];
  recipient.address = recipient.orcpt = recipient.status = recipient.host = recipient.reply = attack;
  recipient.orcpt = "rfc822;" + attack;
  const std::string message =
      "Subject: a\r\n =?utf-8?q?b=0D=0ABcc:_evil=40evil.example?=\r\nMessage-ID: <a\r\n b\"c@d>\r\n\r\n" +
      attack;
  const std::string text = compose(report, {message, Return::whole}, Transport::eight_bit).content;
  const std::string header = text.substr(0, rfc5322::header_size(text));
  CHECK(field_of(header, "Bcc") == "(none)");
  CHECK(field_of(header, "To") == "undisclosed-recipients:;");
  CHECK(field_of(header, "In-Reply-To") == "(none)");
  // The line itself stands only where the message is returned, and ends no part there.
  CHECK(count(text, "\r\nBcc: evil") == 1);
  CHECK(count(text, "\r\n--=_report_0123456789ab.1_0") == 4);
  CHECK(count(text, "\x1b") == 1);
}

TEST_CASE("a boundary that occurs in the message is not used") {
  const std::string message = kMessage + "--=_report_0123456789ab.1\r\n=_report_0123456789ab.1_0\r\n";
  const std::string text = compose(test::report(), {message, Return::whole}, Transport::seven_bit).content;
  CHECK(has(field_of(text, "Content-Type"), "boundary=\"=_report_0123456789ab.1_1\""));
}

TEST_CASE("subjects in other scripts are shown and encoded") {
  const std::string message = "Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n\r\n";
  const std::string text = compose(test::report(), {message, Return::header}, Transport::seven_bit).content;
  CHECK(field_of(text, "Subject") == "=?UTF-8?B?Tm90IGRlbGl2ZXJlZDogR3LDvMOfZQ==?=");
  CHECK(has(text, "    Subject: Gr=C3=BC=C3=9Fe\r\n"));
}

TEST_CASE("many recipients are described up to a bound, and all are in the status") {
  std::vector<Recipient> recipients;
  for (std::size_t i = 0; i < kMaxDescribed + 7; ++i) recipients.push_back(test::failed());
  const std::string text = composed(test::report(recipients));
  CHECK(count(text, "There is nobody with this address") == kMaxDescribed);
  CHECK(has(text, "And 7 more recipients"));
  CHECK(count(text, "\r\nFinal-Recipient: ") == kMaxDescribed + 7);
}

TEST_CASE("reports know each other") {
  const std::string host = "mail.campus.example";
  CHECK(is_answer(composed(test::report()), host));
  CHECK(is_answer("Auto-Submitted: Auto-Replied (vacation)\r\n\r\n", host));
  CHECK(is_answer("X-Mailroom-Report: MAIL.campus.example\r\n\r\n", host));
  CHECK_FALSE(is_answer("X-Mailroom-Report: elsewhere.example\r\n\r\n", host));
  CHECK_FALSE(is_answer("Auto-Submitted: auto-generated\r\n\r\n", host));
  CHECK_FALSE(is_answer("Auto-Submitted: no\r\n\r\n", host));
  CHECK_FALSE(is_answer(kMessage, host));
  CHECK_FALSE(is_answer("Subject: x\r\n\r\nAuto-Submitted: auto-replied\r\n", host));
}
