// The tables of format.md: whatever step a process dies at, the next one finds all that was acknowledged,
// each delivery once, and an index that agrees with itself and the files.
#include <set>

#include "spool/mailbox/rebuild.h"
#include "tests/unit/mailbox/account.h"
#include "tests/unit/mailbox/kill.h"

using namespace mailroom::mailbox;

namespace {

void expect_no_index_problem(Mailbox& mailbox) {
  for (const auto& problem : ok(verify(mailbox, Depth::checksums)).problems) {
    INFO(problem.text);
    CHECK(problem.kind == Problem::Kind::unknown_file);
  }
}

std::multiset<std::string> contents(Mailbox& mailbox, FolderId folder) {
  std::multiset<std::string> found;
  for (const auto& message : ok(mailbox.messages(folder, UidRange{})))
    found.emplace(ok(mailbox.open_file(message.file)).bytes());
  return found;
}

void die_unless(bool good) {
  if (!good) _exit(99);
}

}  // namespace

TEST_CASE("killed at any step of the first opening") {
  int steps = 0;
  for (int n = 1;; ++n) {
    Account account;
    account.deliver("q.1", "mail");
    if (!killed_at(n, [&] { die_unless(Mailbox::open(account.options()).has_value()); })) break;
    steps = n;
    auto mailbox = account.open();
    CHECK(ok(mailbox.take_in()).taken == 1);
    expect_no_index_problem(mailbox);
  }
  CHECK(steps > 8);
}

TEST_CASE("killed at any step of taking in: every delivery is there once") {
  int steps = 0;
  for (const int count : {3, 70}) {  // synced one by one, and together
    for (int n = 1;; ++n) {
      Account account;
      { auto mailbox = account.open(); }
      std::multiset<std::string> sent;
      for (int i = 0; i < count; ++i) {
        sent.insert("mail " + std::to_string(i));
        account.deliver("q" + std::to_string(i) + ".1", "mail " + std::to_string(i));
      }
      const bool killed = killed_at(n, [&] {
        auto mailbox = Mailbox::open(account.options());
        die_unless(mailbox && mailbox->take_in());
      });
      account.deliver("q1.1", "mail 1");  // queued is not sure that it was delivered
      auto mailbox = account.open();
      ok(mailbox.take_in());
      ok(mailbox.maintain());
      REQUIRE(contents(mailbox, kInbox) == sent);
      CHECK(account.files_in("new") == 0);
      CHECK(account.files_in("cur") == sent.size());
      expect_no_index_problem(mailbox);
      if (!killed) break;
      steps = n;
    }
  }
  CHECK(steps > 40);
}

TEST_CASE("killed at any step of an append: there or not, and nothing else touched") {
  int steps = 0, there = 0;
  for (int n = 1;; ++n) {
    Account account;
    {
      auto mailbox = account.open();
      append(mailbox, kInbox, "old");
    }
    const bool killed = killed_at(n, [&] {
      auto mailbox = Mailbox::open(account.options());
      die_unless(mailbox.has_value());
      auto staged = mailbox->stage();
      die_unless(staged && staged->write("new"));
      std::vector<NewMessage> messages;
      messages.push_back({.staged = std::move(*staged)});
      die_unless(mailbox->append(kInbox, std::move(messages)).has_value());
    });
    auto mailbox = account.open();
    const auto found = contents(mailbox, kInbox);
    CHECK((found == std::multiset<std::string>{"old"} || found == std::multiset<std::string>{"old", "new"}));
    there += found.size() == 2;
    // What was cut short is found in tmp/ when it is old.
    for (const auto& entry : std::filesystem::directory_iterator(account.path() + "/tmp"))
      std::filesystem::last_write_time(entry, std::filesystem::file_time_type::clock::now() -
                                                  std::chrono::hours(48));
    ok(mailbox.maintain());
    CHECK(account.files_in("tmp") == 0);
    CHECK(account.files_in("cur") == found.size());
    CHECK(ok(verify(mailbox, Depth::checksums)).problems.empty());
    if (!killed) break;
    steps = n;
  }
  CHECK(steps >= 9);
  CHECK(there >= 2);  // the steps after the commit
}

TEST_CASE("killed at any step of a move and an expunge") {
  int steps = 0;
  for (int n = 1;; ++n) {
    Account account;
    FolderId other = 0;
    {
      auto mailbox = account.open();
      other = ok(mailbox.create("Other"));
      for (const char* text : {"a", "b", "c"}) append(mailbox, kInbox, text);
    }
    const bool killed = killed_at(n, [&] {
      auto mailbox = Mailbox::open(account.options());
      die_unless(mailbox && mailbox->move(kInbox, {1, 2}, other) && mailbox->remove(other, {2}));
    });
    auto mailbox = account.open();
    const auto inbox = contents(mailbox, kInbox), moved = contents(mailbox, other);
    const bool before = inbox.size() == 3 && moved.empty();
    const bool between = inbox.size() == 1 && moved.size() == 2;
    const bool after = inbox.size() == 1 && moved == std::multiset<std::string>{"a"};
    CHECK((before || between || after));
    ok(mailbox.maintain());
    CHECK(account.files_in("cur") == inbox.size() + moved.size());
    CHECK(ok(verify(mailbox, Depth::checksums)).problems.empty());
    if (!killed) break;
    steps = n;
  }
  CHECK(steps >= 8);
}

TEST_CASE("killed at any step of a snapshot and a rebuild: no mail and no flag is lost") {
  int steps = 0;
  for (int n = 1;; ++n) {
    Account account;
    {
      auto mailbox = account.open();
      append(mailbox, kInbox, "a", kFlagged);
      append(mailbox, ok(mailbox.create("Other")), "b");
      ok(mailbox.write_snapshot());
    }
    const bool killed = killed_at(n, [&] {
      {
        auto mailbox = Mailbox::open(account.options());
        die_unless(mailbox && mailbox->write_snapshot());
      }
      die_unless(rebuild(account.options()).has_value());
    });
    auto mailbox = account.open();
    CHECK(contents(mailbox, kInbox) == std::multiset<std::string>{"a"});
    CHECK(ok(mailbox.message(kInbox, 1)).flags == kFlagged);
    CHECK(contents(mailbox, ok(mailbox.find("Other"))) == std::multiset<std::string>{"b"});
    expect_no_index_problem(mailbox);
    if (!killed) break;
    steps = n;
  }
  CHECK(steps >= 12);
}
