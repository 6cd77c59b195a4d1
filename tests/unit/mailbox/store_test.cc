#include "tests/unit/mailbox/account.h"

#include <poll.h>

#include "spool/mailbox/rebuild.h"

using namespace mailroom::mailbox;

namespace {

void check_consistent(Mailbox& mailbox) {
  const auto result = ok(verify(mailbox, Depth::checksums));
  for (const auto& problem : result.problems) INFO(problem.text);
  CHECK(result.problems.empty());
}

UidSet all(Mailbox& mailbox, FolderId folder) { return ok(mailbox.uids(folder)); }

std::vector<std::string> names(Mailbox& mailbox) {
  std::vector<std::string> found;
  for (const auto& entry : ok(mailbox.list())) found.push_back(entry.name);
  return found;
}

}  // namespace

TEST_CASE("a new account has an empty INBOX") {
  Account account;
  auto mailbox = account.open();
  const auto folder = ok(mailbox.folder(kInbox));
  CHECK(folder.name == "INBOX");
  CHECK(folder.exists == 0);
  CHECK(folder.uid_next == 1);
  CHECK(folder.uid_validity > 1'600'000'000);
  CHECK(ok(mailbox.find("inbox")) == kInbox);
  CHECK(ok(mailbox.take_in()).taken == 0);
  check_consistent(mailbox);
}

TEST_CASE("an appended message comes back byte for byte, with flags, keywords and dates") {
  Account account;
  const std::string content = "Subject: x\r\n\r\n" + std::string(300000, 'y') + "\r\n";
  Uid uid = 0;
  {
    auto mailbox = account.open();
    auto staged = ok(mailbox.stage());
    for (std::size_t at = 0; at < content.size(); at += 1000) ok(staged.write(content.substr(at, 1000)));
    std::vector<NewMessage> messages;
    messages.push_back({std::move(staged), kSeen | kFlagged, {"$Work", "Later"}, 1234567890, {}, {}});
    const auto appended = ok(mailbox.append(kInbox, std::move(messages)));
    uid = appended.uids.at(0);
  }
  auto mailbox = account.open();
  const auto message = ok(mailbox.message(kInbox, uid));
  CHECK(message.flags == (kSeen | kFlagged));
  CHECK(message.keywords == 3);
  CHECK(message.internal_date == 1234567890);
  CHECK(message.size == content.size());
  const auto file = ok(mailbox.open_file(message.file));
  CHECK(file.bytes() == content);
  CHECK(file.checksum_matches());
  CHECK(ok(mailbox.folder(kInbox)).keywords == std::vector<std::string>{"$Work", "Later"});
  CHECK(account.files_in("tmp") == 0);
  CHECK(account.files_in("cur") == 1);
  check_consistent(mailbox);
}

TEST_CASE("several messages are appended all or none") {
  Account account;
  auto mailbox = account.open();
  const auto stage = [&](const std::string& content) {
    auto staged = ok(mailbox.stage());
    ok(staged.write(content));
    return staged;
  };
  std::vector<NewMessage> good, bad;
  good.push_back({.staged = stage("one")});
  good.push_back({.staged = stage("two")});
  CHECK(ok(mailbox.append(kInbox, std::move(good))).uids == std::vector<Uid>{1, 2});
  bad.push_back({.staged = stage("three")});
  bad.push_back({.staged = stage("four"), .keywords = {std::string(kMaxKeywordLength + 1, 'k')}});
  CHECK(failure(mailbox.append(kInbox, std::move(bad))) == Failure::Code::bad_name);
  std::vector<NewMessage> nowhere;
  nowhere.push_back({.staged = stage("five")});
  CHECK(failure(mailbox.append(77, std::move(nowhere))) == Failure::Code::no_such_folder);
  { auto forgotten = stage("six"); }
  CHECK(all(mailbox, kInbox) == UidSet{1, 2});
  CHECK(account.files_in("cur") == 2);
  CHECK(account.files_in("tmp") == 0);
  check_consistent(mailbox);
}

TEST_CASE("copies share the file, which goes with the last of them") {
  Account account;
  auto mailbox = account.open();
  const auto other = ok(mailbox.create("Other"));
  const Uid uid = append(mailbox, kInbox, "text", kSeen, {"key"});
  const auto copied = ok(mailbox.copy(kInbox, {uid, 99}, other));
  REQUIRE(copied.uids == std::vector<std::pair<Uid, Uid>>{{uid, 1}});
  const auto copy = ok(mailbox.message(other, 1));
  CHECK(copy.flags == kSeen);
  CHECK(ok(mailbox.folder(other)).keywords == std::vector<std::string>{"key"});
  CHECK(copy.file == ok(mailbox.message(kInbox, uid)).file);
  CHECK(account.files_in("cur") == 1);
  CHECK(ok(mailbox.usage()).files == 1);
  ok(mailbox.copy(kInbox, {uid}, kInbox));
  CHECK(all(mailbox, kInbox).size() == 2);
  ok(mailbox.remove(kInbox, all(mailbox, kInbox)));
  CHECK(account.files_in("cur") == 1);
  check_consistent(mailbox);
  ok(mailbox.remove(other, {1}));
  CHECK(account.files_in("cur") == 0);
  CHECK(ok(mailbox.usage()).octets == 0);
  ok(mailbox.maintain());
  check_consistent(mailbox);
}

TEST_CASE("move takes out and puts in at once") {
  Account account;
  auto mailbox = account.open();
  const auto other = ok(mailbox.create("Other"));
  for (int i = 0; i < 5; ++i) append(mailbox, kInbox, "m" + std::to_string(i));
  const auto before = ok(mailbox.folder(kInbox)).highest_modseq;
  const auto moved = ok(mailbox.move(kInbox, {2, 4}, other));
  CHECK(moved.uids == std::vector<std::pair<Uid, Uid>>{{2, 1}, {4, 2}});
  CHECK(all(mailbox, kInbox) == UidSet{1, 3, 5});
  const auto changes = ok(mailbox.changes_since(kInbox, before));
  CHECK(changes.expunged == UidSet{2, 4});
  CHECK(account.files_in("cur") == 5);
  CHECK(ok(mailbox.move(kInbox, {1}, kInbox)).uids == std::vector<std::pair<Uid, Uid>>{{1, 6}});
  CHECK(all(mailbox, kInbox) == UidSet{3, 5, 6});
  check_consistent(mailbox);
}

TEST_CASE("store: add, remove, replace, keywords, counts") {
  Account account;
  auto mailbox = account.open();
  for (int i = 0; i < 3; ++i) append(mailbox, kInbox, "m" + std::to_string(i));
  CHECK(ok(mailbox.folder(kInbox)).unseen == 3);
  auto stored = ok(mailbox.store(kInbox, {1, 2, 9}, {.flags = kSeen | kDeleted, .keywords = {"Red"}}));
  CHECK(stored.messages.size() == 2);
  auto folder = ok(mailbox.folder(kInbox));
  CHECK(folder.unseen == 1);
  CHECK(folder.deleted == 2);
  CHECK(stored.highest_modseq == folder.highest_modseq);
  CHECK(ok(mailbox.unseen(kInbox)) == UidSet{3});
  CHECK(ok(mailbox.deleted(kInbox)) == UidSet{1, 2});

  const auto modseq = folder.highest_modseq;
  ok(mailbox.store(kInbox, {1}, {.flags = kSeen, .keywords = {"RED"}}));  // nothing new
  CHECK(ok(mailbox.folder(kInbox)).highest_modseq == modseq);
  ok(mailbox.store(kInbox, {1},
                   {.how = FlagChange::How::remove, .flags = kDeleted, .keywords = {"red", "unknown"}}));
  CHECK(ok(mailbox.message(kInbox, 1)).keywords == 0);
  CHECK(ok(mailbox.folder(kInbox)).keywords.size() == 1);
  ok(mailbox.store(kInbox, {2}, {.how = FlagChange::How::replace, .flags = kDraft}));
  CHECK(ok(mailbox.message(kInbox, 2)).flags == kDraft);
  CHECK(ok(mailbox.folder(kInbox)).deleted == 0);
  check_consistent(mailbox);
}

TEST_CASE("store with UNCHANGEDSINCE passes over what changed later") {
  Account account;
  auto mailbox = account.open();
  for (int i = 0; i < 3; ++i) append(mailbox, kInbox, "m" + std::to_string(i));
  const auto known = ok(mailbox.folder(kInbox)).highest_modseq;
  ok(mailbox.store(kInbox, {2}, {.flags = kSeen}));
  const auto stored = ok(mailbox.store(kInbox, {1, 2, 3}, {.flags = kFlagged, .unchanged_since = known}));
  CHECK(stored.modified == UidSet{2});
  CHECK(stored.messages.size() == 2);
  CHECK(ok(mailbox.message(kInbox, 2)).flags == kSeen);
}

TEST_CASE("a folder has at most kMaxKeywords keywords") {
  Account account;
  auto mailbox = account.open();
  append(mailbox, kInbox, "m");
  for (std::size_t i = 0; i < kMaxKeywords; ++i)
    ok(mailbox.store(kInbox, {1}, {.keywords = {"k" + std::to_string(i)}}));
  CHECK(ok(mailbox.message(kInbox, 1)).keywords == ~KeywordMask{0});
  CHECK(failure(mailbox.store(kInbox, {1}, {.keywords = {"more"}})) == Failure::Code::too_many_keywords);
  ok(mailbox.store(kInbox, {1}, {.keywords = {"K3"}}));
}

TEST_CASE("expunge removes what is deleted, or of that what was named") {
  Account account;
  auto mailbox = account.open();
  for (int i = 0; i < 5; ++i) append(mailbox, kInbox, "m" + std::to_string(i), i < 3 ? kDeleted : 0);
  const UidSet only{2, 5};
  CHECK(ok(mailbox.expunge(kInbox, &only)) == UidSet{2});
  CHECK(ok(mailbox.expunge(kInbox)) == UidSet{1, 3});
  CHECK(ok(mailbox.expunge(kInbox)).empty());
  CHECK(all(mailbox, kInbox) == UidSet{4, 5});
  CHECK(append(mailbox, kInbox, "new") == 6);
  CHECK(account.files_in("cur") == 3);
  check_consistent(mailbox);
}

TEST_CASE("changes since a sequence: rows and expunges, also for another process's session") {
  Account account;
  auto one = account.open();
  auto two = account.open();
  for (int i = 0; i < 4; ++i) append(one, kInbox, "m" + std::to_string(i));
  const auto selection = ok(two.select(kInbox, Access::examine));
  CHECK(selection.uids == UidSet{1, 2, 3, 4});
  const auto generation = two.generation();
  CHECK(ok(two.changes_since(kInbox, selection.folder.highest_modseq)).messages.empty());
  ok(one.store(kInbox, {2}, {.flags = kSeen}));
  ok(one.remove(kInbox, {3}));
  append(one, kInbox, "m5");
  CHECK(two.generation() != generation);
  const auto changes = ok(two.changes_since(kInbox, selection.folder.highest_modseq));
  CHECK(changes.complete);
  REQUIRE(changes.messages.size() == 2);
  CHECK(changes.messages[0].uid == 2);
  CHECK(changes.messages[1].uid == 5);
  CHECK(changes.expunged == UidSet{3});
  CHECK(changes.folder.exists == 4);
  CHECK(ok(two.changes_since(kInbox, changes.folder.highest_modseq)).messages.empty());
}

TEST_CASE("old expunges are forgotten, and that is said") {
  Account account;
  auto mailbox = account.open();
  const auto folder = ok(mailbox.folder(kInbox));
  UidSet uids;
  for (int i = 0; i < 20; ++i) {
    append(mailbox, kInbox, "m");
    ok(mailbox.remove(kInbox, {static_cast<Uid>(i + 1)}));
  }
  const auto changes = ok(mailbox.changes_since(kInbox, folder.highest_modseq));
  CHECK(changes.complete);
  CHECK(changes.expunged.size() == 20);
}

TEST_CASE("\\Recent belongs to the first session that may claim it") {
  Account account;
  auto one = account.open();
  auto two = account.open();
  append(one, kInbox, "m1");
  append(one, kInbox, "m2");
  CHECK(ok(one.folder(kInbox)).recent == 2);
  CHECK(ok(two.select(kInbox, Access::examine)).first_recent == 1);
  CHECK(ok(one.folder(kInbox)).recent == 2);
  const auto selection = ok(one.select(kInbox, Access::read_write));
  CHECK(selection.first_recent == 1);
  CHECK(selection.folder.recent == 0);
  CHECK(ok(two.select(kInbox, Access::read_write)).first_recent == 3);
  append(one, kInbox, "m3");
  CHECK(ok(two.claim_recent(kInbox)) == 3);
  CHECK(ok(one.claim_recent(kInbox)) == 4);
}

TEST_CASE("select: first unseen") {
  Account account;
  auto mailbox = account.open();
  CHECK(!ok(mailbox.select(kInbox, Access::read_write)).first_unseen);
  for (int i = 0; i < 3; ++i) append(mailbox, kInbox, "m", kSeen);
  append(mailbox, kInbox, "m");
  CHECK(ok(mailbox.select(kInbox, Access::read_write)).first_unseen == 4);
}

TEST_CASE("messages come in batches") {
  Account account;
  auto mailbox = account.open();
  for (int i = 0; i < 10; ++i) append(mailbox, kInbox, "m");
  auto batch = ok(mailbox.messages(kInbox, {3, 9}, 4));
  REQUIRE(batch.size() == 4);
  CHECK(batch.front().uid == 3);
  batch = ok(mailbox.messages(kInbox, {batch.back().uid + 1, 9}, 4));
  REQUIRE(batch.size() == 3);
  CHECK(batch.back().uid == 9);
  CHECK(ok(mailbox.messages(kInbox, UidSet{1, 5, 77})).size() == 2);
  CHECK(failure(mailbox.message(kInbox, 77)) == Failure::Code::no_such_message);
}

// ---- summaries ----

TEST_CASE("a summary is computed once, and opens no file afterwards") {
  Account account;
  int computed = 0;
  auto options = account.options();
  options.summarise = [&](std::string_view message) {
    ++computed;
    return "sum " + std::string{message};
  };
  FileId file = 0;
  {
    auto mailbox = ok(Mailbox::open(options));
    append(mailbox, kInbox, "text");
    file = ok(mailbox.message(kInbox, 1)).file;
    CHECK(ok(mailbox.summary(file)) == "sum text");
    CHECK(ok(mailbox.summary(file)) == "sum text");
    CHECK(computed == 1);
  }
  std::filesystem::remove_all(account.path() + "/cur");
  {
    auto mailbox = ok(Mailbox::open(options));
    CHECK(ok(mailbox.summary(file)) == "sum text");
    CHECK(computed == 1);
  }
  options.summary_version = 2;
  auto mailbox = ok(Mailbox::open(options));
  CHECK(failure(mailbox.summary(file)) == Failure::Code::damaged);
}

// ---- folders ----

TEST_CASE("create makes the levels above; list says what has children and what is no folder") {
  Account account;
  auto mailbox = account.open();
  ok(mailbox.create("a/b/c"));
  ok(mailbox.create("a!x/"));
  CHECK(names(mailbox) == std::vector<std::string>{"INBOX", "a", "a!x", "a/b", "a/b/c"});
  CHECK(failure(mailbox.create("a/b")) == Failure::Code::folder_exists);
  CHECK(failure(mailbox.create("Inbox")) == Failure::Code::folder_exists);
  CHECK(failure(mailbox.create("a//b")) == Failure::Code::bad_name);
  ok(mailbox.remove_folder("a/b"));
  auto list = ok(mailbox.list());
  CHECK(list[3].name == "a/b");
  CHECK(list[3].folder == 0);
  CHECK(list[3].has_children);
  CHECK(failure(mailbox.remove_folder("a/b")) == Failure::Code::not_allowed);
  CHECK(failure(mailbox.find("a/b")) == Failure::Code::no_such_folder);
  CHECK(failure(mailbox.remove_folder("inbox")) == Failure::Code::not_allowed);
  CHECK(failure(mailbox.remove_folder("zzz")) == Failure::Code::no_such_folder);
  ok(mailbox.create("a/b"));
  ok(mailbox.remove_folder("a/b"));
  ok(mailbox.remove_folder("a/b/c"));
  CHECK(names(mailbox) == std::vector<std::string>{"INBOX", "a", "a!x"});
  check_consistent(mailbox);
}

TEST_CASE("a folder made again under an old name has another UIDVALIDITY") {
  Account account;
  auto mailbox = account.open();
  const auto first = ok(mailbox.folder(ok(mailbox.create("x"))));
  append(mailbox, first.id, "m");
  ok(mailbox.remove_folder("x"));
  CHECK(account.files_in("cur") == 0);
  CHECK(failure(mailbox.folder(first.id)) == Failure::Code::no_such_folder);
  const auto second = ok(mailbox.folder(ok(mailbox.create("x"))));
  CHECK(second.uid_validity > first.uid_validity);
  CHECK(second.id != first.id);
  CHECK(second.exists == 0);
  check_consistent(mailbox);
}

TEST_CASE("rename takes the folders below along and keeps ids and UIDVALIDITY") {
  Account account;
  auto mailbox = account.open();
  const auto deep = ok(mailbox.create("a/b/c"));
  append(mailbox, deep, "m");
  ok(mailbox.create("ab"));
  const auto validity = ok(mailbox.folder(deep)).uid_validity;
  ok(mailbox.rename("a", "x/y"));
  CHECK(names(mailbox) == std::vector<std::string>{"INBOX", "ab", "x", "x/y", "x/y/b", "x/y/b/c"});
  CHECK(ok(mailbox.find("x/y/b/c")) == deep);
  CHECK(ok(mailbox.folder(deep)).uid_validity == validity);
  CHECK(ok(mailbox.folder(deep)).name == "x/y/b/c");
  CHECK(failure(mailbox.rename("x", "x/y/z")) == Failure::Code::not_allowed);
  CHECK(failure(mailbox.rename("none", "q")) == Failure::Code::no_such_folder);
  CHECK(failure(mailbox.rename("x", "ab")) == Failure::Code::folder_exists);
  CHECK(failure(mailbox.rename("x", "INBOX")) == Failure::Code::folder_exists);
  CHECK(failure(mailbox.rename("x", std::string(kMaxFolders, 'n'))) == Failure::Code::bad_name);
  CHECK(failure(mailbox.rename("x", std::string(478, 'n'))) ==
        Failure::Code::bad_name);  // "…/y/b/c" is too long
  check_consistent(mailbox);
}

TEST_CASE("renaming INBOX moves its messages and leaves it, and what is below, in place") {
  Account account;
  auto mailbox = account.open();
  ok(mailbox.create("INBOX/below"));
  for (int i = 0; i < 3; ++i) append(mailbox, kInbox, "m" + std::to_string(i), kFlagged, {"k"});
  ok(mailbox.remove(kInbox, {2}));
  ok(mailbox.rename("inbox", "old/mail"));
  const auto old = ok(mailbox.find("old/mail"));
  CHECK(all(mailbox, old).size() == 2);
  CHECK(ok(mailbox.message(old, 1)).flags == kFlagged);
  CHECK(ok(mailbox.folder(kInbox)).exists == 0);
  CHECK(ok(mailbox.folder(kInbox)).uid_next == 4);
  CHECK(ok(mailbox.find("INBOX/below")) != 0);
  check_consistent(mailbox);
}

TEST_CASE("subscriptions outlive folders") {
  Account account;
  auto mailbox = account.open();
  ok(mailbox.create("a"));
  ok(mailbox.subscribe("a"));
  ok(mailbox.subscribe("inbox"));
  ok(mailbox.subscribe("later"));
  ok(mailbox.remove_folder("a"));
  CHECK(ok(mailbox.subscriptions()) == std::vector<std::string>{"INBOX", "a", "later"});
  CHECK(ok(mailbox.list())[0].subscribed);
  ok(mailbox.unsubscribe("a"));
  ok(mailbox.unsubscribe("a"));
  CHECK(ok(mailbox.subscriptions()).size() == 2);
  CHECK(failure(mailbox.subscribe("bad\n")) == Failure::Code::bad_name);
}

TEST_CASE("a special use belongs to one folder") {
  Account account;
  auto mailbox = account.open();
  ok(mailbox.create("Sent", SpecialUse::sent));
  CHECK(failure(mailbox.create("Sent2", SpecialUse::sent)) == Failure::Code::not_allowed);
  ok(mailbox.create("Sent2"));
  CHECK(failure(mailbox.set_special_use("Sent2", SpecialUse::sent)) == Failure::Code::not_allowed);
  ok(mailbox.set_special_use("Sent", SpecialUse::none));
  ok(mailbox.set_special_use("Sent2", SpecialUse::sent));
  CHECK(ok(mailbox.list())[2].use == SpecialUse::sent);
}

// ---- POP3 ----

TEST_CASE("the maildrop: sizes, UIDLs, one session at a time") {
  Account account;
  auto one = account.open();
  auto two = account.open();
  append(one, kInbox, "12345");
  append(one, kInbox, "123");
  const auto validity = ok(one.folder(kInbox)).uid_validity;
  {
    auto lock = ok(one.lock_maildrop());
    CHECK(failure(two.lock_maildrop()) == Failure::Code::in_use);
  }
  auto lock = ok(two.lock_maildrop());
  const auto drop = ok(two.maildrop());
  REQUIRE(drop.size() == 2);
  CHECK(drop[0].size == 5);
  CHECK(drop[1].uidl == std::to_string(validity) + ".2");
  CHECK(ok(two.remove(kInbox, {1, 2})).size() == 2);
  CHECK(ok(two.maildrop()).empty());
}

TEST_CASE("imported UIDs and UIDLs are kept where they can be") {
  Account account;
  auto mailbox = account.open();
  const auto add = [&](std::optional<Uid> uid, std::string uidl) {
    auto staged = ok(mailbox.stage());
    ok(staged.write("x"));
    std::vector<NewMessage> messages;
    messages.push_back({.staged = std::move(staged), .uid = uid, .uidl = std::move(uidl)});
    return ok(mailbox.append(kInbox, std::move(messages))).uids.at(0);
  };
  CHECK(add(10, "first") == 10);
  CHECK(add(5, "second") == 11);
  CHECK(add(20, "first") == 20);  // the UIDL is taken
  CHECK(add({}, "bad uidl") == 21);
  const auto validity = std::to_string(ok(mailbox.folder(kInbox)).uid_validity);
  auto drop = ok(mailbox.maildrop());
  CHECK(drop[0].uidl == "first");
  CHECK(drop[1].uidl == "second");
  CHECK(drop[2].uidl == validity + ".20");
  CHECK(drop[3].uidl == validity + ".21");
  ok(mailbox.remove(kInbox, {10}));
  CHECK(add({}, "first") == 22);
  CHECK(ok(mailbox.maildrop()).back().uidl == "first");
  check_consistent(mailbox);
}

// ---- watching ----

TEST_CASE("a watch signals deliveries and other sessions' commits") {
  Account account;
  auto mailbox = account.open();
  auto other = account.open();
  auto watch = mailbox.watch();
  if (watch.fd() < 0) return;  // no watches left on this machine
  const auto signalled = [&] {
    pollfd poll_fd{watch.fd(), POLLIN, 0};
    return poll(&poll_fd, 1, 1000) == 1;
  };
  CHECK(!watch.drain());
  account.deliver("q1.1", "hello");
  CHECK(signalled());
  CHECK(watch.drain());
  CHECK(!watch.drain());
  append(other, kInbox, "x");
  CHECK(signalled());
  CHECK(watch.drain());
  std::filesystem::create_directory(account.path() + "/.new");
  std::filesystem::remove_all(account.path() + "/new");
  std::filesystem::rename(account.path() + "/.new", account.path() + "/new");
  CHECK(signalled());
  CHECK(watch.drain());
  watch.drain();
  account.deliver("q2.1", "hello");
  CHECK(signalled());
}

TEST_CASE("an account has at most kMaxFolders folders") {
  Account account;
  auto mailbox = account.open();
  for (std::size_t i = 1; i < kMaxFolders; ++i) ok(mailbox.create("f" + std::to_string(i)));
  CHECK(failure(mailbox.create("one more")) == Failure::Code::too_many_folders);
  CHECK(failure(mailbox.rename("f1", "a/b")) == Failure::Code::too_many_folders);
  CHECK(ok(mailbox.list()).size() == kMaxFolders);
}

TEST_CASE("a full map is no_space, and what is there can still be read") {
  Account account;
  auto options = account.options();
  options.map_size = 1 << 19;
  auto mailbox = ok(Mailbox::open(options));
  std::optional<Failure> failed;
  for (int i = 0; i < 3000 && !failed; ++i) {
    auto staged = ok(mailbox.stage());
    ok(staged.write("x"));
    std::vector<NewMessage> messages;
    messages.push_back({.staged = std::move(staged)});
    for (int k = 0; k < 20; ++k)
      messages.back().keywords.push_back(std::string(90, static_cast<char>('a' + k)));
    auto appended = mailbox.append(kInbox, std::move(messages));
    if (!appended) failed = appended.error();
  }
  REQUIRE(failed.has_value());
  CHECK(failed->code == Failure::Code::no_space);
  const auto folder = ok(mailbox.folder(kInbox));
  CHECK(folder.exists > 0);
  CHECK(account.files_in("cur") == folder.exists);
  CHECK(ok(mailbox.messages(kInbox, UidRange{}, 5000)).size() == folder.exists);
}
