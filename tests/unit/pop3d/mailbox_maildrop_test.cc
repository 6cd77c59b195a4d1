// A POP3 session on a real mailbox.
#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "daemons/pop3d/mailbox_maildrop.h"
#include "daemons/pop3d/session.h"
#include "tests/transcripts/fakes.h"
#include "tests/unit/mailbox/account.h"

using namespace mailroom;
using namespace mailroom::transcript;

namespace {

// What is wrong with the session, empty if nothing is.
std::string serve(mailbox::Mailbox& mail, std::string_view script) {
  silence_log();
  const Transcript transcript = parse_transcript(script);
  ScriptStream stream{transcript, ScriptStream::Pace::segments};
  FakeClock clock;
  pop3d::MailboxMaildrop maildrop{mail, [](const mailbox::Failure& failure) { FAIL(failure.text); }};
  const pop3d::SessionFacts facts{.account = "user"};
  try {
    pop3d::run_session(stream, maildrop, facts, clock);
  } catch (const StreamError&) {  // the client's end
  }
  return stream.verdict();
}

// Runs `body` in another process; true if it returned true there.
template <typename Body>
bool elsewhere(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("a session retrieves and removes what is in the inbox") {
  const mailbox::Account account;
  mailbox::Mailbox mail = account.open();
  append(mail, mailbox::kInbox, "A: 1\r\n\r\n.dot\r\n");
  append(mail, mailbox::kInbox, "A: 2\r\n\r\ntwo\r\n");
  append(mail, mailbox::kInbox, "A: 3\r\n\r\nthree\r\n");
  CHECK(serve(mail, "S: +OK 3 messages\n"
                    "C: STAT\n"
                    "S: +OK 3 42\n"
                    "C: RETR 1\n"
                    "S: +OK 14 octets\nS: A: 1\nS: \nS: ..dot\nS: .\n"
                    "C: DELE 1\nC: DELE 3\nC: QUIT\n"
                    "S: +OK *\nS: +OK *\nS: +OK Bye, 2 messages removed\nS: <closed>\n") == "");
  CHECK(serve(mail, "S: +OK 1 messages\n"
                    "C: RETR 1\n"
                    "S: +OK 13 octets\nS: A: 2\nS: \nS: two\nS: .\n"
                    "C: DELE 1\n"
                    "S: +OK *\n") == "");
  CHECK(serve(mail, "S: +OK 1 messages\n") == "");
}

TEST_CASE("UIDLs stay, and are never those of another message") {
  const mailbox::Account account;
  mailbox::Mailbox mail = account.open();
  append(mail, mailbox::kInbox, "A: 1\r\n\r\n");
  append(mail, mailbox::kInbox, "A: 2\r\n\r\n");
  const auto uidls = [&] {
    pop3d::MailboxMaildrop maildrop{mail, [](const mailbox::Failure& failure) { FAIL(failure.text); }};
    REQUIRE(maildrop.open());
    std::vector<std::string> all;
    for (const auto& message : maildrop.messages()) all.push_back(message.uidl);
    return all;
  };
  const auto before = uidls();
  REQUIRE(before.size() == 2);
  CHECK(before[0] != before[1]);
  CHECK(uidls() == before);
  CHECK(serve(mail, "S: +OK 2 messages\nC: DELE 2\nC: QUIT\nS: +OK *\nS: +OK *\nS: <closed>\n") == "");
  append(mail, mailbox::kInbox, "A: 2\r\n\r\n");
  const auto after = uidls();
  REQUIRE(after.size() == 2);
  CHECK(after[0] == before[0]);
  CHECK(after[1] != before[1]);
}

TEST_CASE("one session at a time") {
  const mailbox::Account account;
  CHECK(elsewhere([&] {
    mailbox::Mailbox mail = account.open();
    pop3d::MailboxMaildrop maildrop{mail, [](const mailbox::Failure&) {}};
    if (!maildrop.open()) return false;
    return elsewhere([&] {
      mailbox::Mailbox other = account.open();
      return serve(other, "S: -ERR [IN-USE] *\nS: <closed>\n").empty();
    });
  }));
  CHECK(elsewhere([&] {
    mailbox::Mailbox mail = account.open();
    return serve(mail, "S: +OK 0 messages\nC: QUIT\nS: +OK *\nS: <closed>\n").empty();
  }));
}
