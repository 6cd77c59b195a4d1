#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <thread>

#include "libcommon/lmdb/lmdb.h"
#include "spool/mailbox/rebuild.h"
#include "spool/mailbox/snapshot.h"
#include "tests/unit/mailbox/account.h"

using namespace mailroom::mailbox;
namespace fs = std::filesystem;

namespace {

void lose_index(const Account& account) {
  fs::remove(account.path() + "/index/data.mdb");
  fs::remove(account.path() + "/index/lock.mdb");
}

std::vector<std::string> texts(const std::vector<Problem>& problems) {
  std::vector<std::string> found;
  for (const auto& problem : problems) found.push_back(problem.text);
  return found;
}

}  // namespace

TEST_CASE("a lost index comes back from its snapshot, and what came later goes to INBOX") {
  Account account;
  Folder inbox, other;
  {
    auto mailbox = account.open();
    for (int i = 0; i < 3; ++i) append(mailbox, kInbox, "m" + std::to_string(i), kSeen, {"Key"});
    other = ok(mailbox.folder(ok(mailbox.create("A/Other", SpecialUse::archive))));
    ok(mailbox.copy(kInbox, {2}, other.id));
    ok(mailbox.subscribe("A/Other"));
    ok(mailbox.remove(kInbox, {1}));
    account.deliver("gone.1", "expunged");
    ok(mailbox.take_in());
    ok(mailbox.remove(kInbox, {4}));
    ok(mailbox.write_snapshot());
    inbox = ok(mailbox.folder(kInbox));
    append(mailbox, other.id, "after the snapshot");
    ok(mailbox.remove(kInbox, {3}));
  }
  lose_index(account);
  auto mailbox = account.open();
  const auto found = ok(mailbox.folder(kInbox));
  CHECK(found.uid_validity == inbox.uid_validity);
  CHECK(found.highest_modseq > inbox.highest_modseq + 1000);
  CHECK(found.uid_next > inbox.uid_next + 1000);
  const auto messages = ok(mailbox.messages(kInbox, UidRange{}));
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].uid == 2);
  CHECK(messages[0].flags == kSeen);
  CHECK(messages[0].keywords == 1);
  CHECK(ok(mailbox.open_file(messages[1].file)).bytes() == "after the snapshot");
  CHECK(messages[1].uid > inbox.uid_next);
  CHECK(!ok(mailbox.changes_since(kInbox, inbox.highest_modseq)).complete);
  CHECK(ok(mailbox.changes_since(kInbox, inbox.highest_modseq)).messages.size() == 2);

  const auto again = ok(mailbox.folder(ok(mailbox.find("A/Other"))));
  CHECK(again.uid_validity == other.uid_validity);
  CHECK(again.use == SpecialUse::archive);
  CHECK(again.exists == 1);
  CHECK(ok(mailbox.subscriptions()) == std::vector<std::string>{"A/Other"});
  CHECK(ok(mailbox.message(again.id, 1)).file == messages[0].file);

  account.deliver("gone.1", "expunged");
  CHECK(ok(mailbox.take_in()).repeated == 1);
  CHECK(ok(mailbox.find("A")) != 0);
  CHECK(ok(mailbox.create("New")) > other.id + 1000);
  CHECK(ok(verify(mailbox, Depth::checksums)).problems.empty());
}

TEST_CASE("an index that is lost twice gives no UID twice") {
  Account account;
  {
    auto mailbox = account.open();
    append(mailbox, kInbox, "one");
    ok(mailbox.write_snapshot());
  }
  std::set<Uid> given;
  for (int round = 0; round < 3; ++round) {
    lose_index(account);
    auto mailbox = account.open();
    const Uid uid = append(mailbox, kInbox, "more");
    CHECK(given.insert(uid).second);
    ok(mailbox.remove(kInbox, {uid}));
  }
}

TEST_CASE("without a snapshot all files are in INBOX, under a new UIDVALIDITY") {
  Account account;
  std::uint32_t validity = 0;
  {
    auto mailbox = account.open();
    append(mailbox, ok(mailbox.create("Other")), "one");
    account.deliver("q.1", "two");
    ok(mailbox.take_in());
    validity = ok(mailbox.folder(kInbox)).uid_validity;
  }
  fs::remove(account.path() + "/index/snapshot");
  account.put("cur/damaged,S=3,C=00000000", "abc");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // UIDVALIDITY is a time
  lose_index(account);
  auto mailbox = account.open();
  const auto inbox = ok(mailbox.folder(kInbox));
  CHECK(inbox.exists == 2);
  CHECK(inbox.uid_validity > validity);
  account.deliver("q.1", "two");
  CHECK(ok(mailbox.take_in()).repeated == 1);
  CHECK(texts(ok(verify(mailbox, Depth::sizes)).problems) ==
        std::vector<std::string>{"damaged,S=3,C=00000000"});
}

TEST_CASE("an index that LMDB refuses is set aside and rebuilt at the next opening") {
  Account account;
  {
    auto mailbox = account.open();
    append(mailbox, kInbox, "one", kAnswered);
    ok(mailbox.write_snapshot());
  }
  account.put("index/data.mdb", std::string(65536, 'x'));
  auto mailbox = account.open();
  CHECK(ok(mailbox.message(kInbox, 1)).flags == kAnswered);
  CHECK(account.has("index/data.mdb.broken"));
}

namespace {

void put_meta(const Account& account, std::string_view row) {
  auto env =
      mailroom::lmdb::Env::open({.path = account.path() + "/index", .map_size = account.options().map_size});
  auto txn = env.write();
  txn.put(txn.database("meta", mailroom::lmdb::Txn::Create::no), "meta", row);
  txn.commit();
}

}  // namespace

TEST_CASE("an index whose first row is damaged is set aside and rebuilt by the opening that has it alone") {
  Account account;
  std::optional<Mailbox> first = account.open();
  append(*first, kInbox, "one", kAnswered);
  ok(first->write_snapshot());
  put_meta(account, "no meta row");
  const auto beside_it = Mailbox::open(account.options());
  REQUIRE_FALSE(beside_it);
  CHECK(beside_it.error().code == Failure::Code::corrupt_index);
  first.reset();
  auto mailbox = account.open();
  REQUIRE(mailbox.rebuilt());
  CHECK(ok(mailbox.message(kInbox, 1)).flags == kAnswered);
  CHECK(account.has("index/data.mdb.broken"));
}

TEST_CASE("an index that was condemned is set aside at the next opening that has it alone") {
  Account account;
  {
    auto first = account.open();
    append(first, kInbox, "one", kAnswered);
    ok(first.write_snapshot());
    first.condemn_index();
    const auto second = account.open();
    CHECK(!second.rebuilt());
    CHECK(account.has("index/condemned"));
  }
  auto mailbox = account.open();
  REQUIRE(mailbox.rebuilt());
  CHECK(mailbox.rebuilt()->from_snapshot == 1);
  CHECK(ok(mailbox.message(kInbox, 1)).flags == kAnswered);
  CHECK(account.has("index/data.mdb.broken"));
  CHECK(!account.has("index/condemned"));
}

namespace {

enum class Sight { all_there, corrupt, ended, other };

// What a session sees of the mailbox, in a process of its own: LMDB cannot go on from everything.
Sight look(const Account& account) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    auto options = account.options();
    options.on_broken_index = [](std::string_view) { std::_Exit(static_cast<int>(Sight::ended)); };
    auto mailbox = Mailbox::open(std::move(options));
    if (!mailbox) std::_Exit(static_cast<int>(Sight::other));
    const auto messages = mailbox->messages(kInbox, {}, 1000);
    if (messages && messages->size() == 300) std::_Exit(static_cast<int>(Sight::all_there));
    if (messages || messages.error().code != Failure::Code::corrupt_index)
      std::_Exit(static_cast<int>(Sight::other));
    mailbox->condemn_index();
    std::_Exit(static_cast<int>(Sight::corrupt));
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? static_cast<Sight>(WEXITSTATUS(status)) : Sight::other;
}

}  // namespace

// A page of LMDB is no page any more; the first two are read at each opening, and are left.
TEST_CASE("a session that meets a broken index condemns it, and the next has all messages") {
  Account account;
  {
    auto mailbox = account.open();
    for (int n = 0; n < 300; ++n) append(mailbox, kInbox, "text " + std::to_string(n), kAnswered);
    ok(mailbox.write_snapshot());
  }
  constexpr std::size_t kPage = 4096;
  const std::string sound = account.get("index/data.mdb");
  int corrupt = 0, ended = 0;
  for (std::size_t at = 2 * kPage; at + kPage <= sound.size(); at += kPage) {
    std::string broken = sound;
    broken.replace(at, kPage, kPage, '\0');
    account.put("index/data.mdb", broken);
    fs::remove(account.path() + "/index/lock.mdb");
    const Sight sight = look(account);
    corrupt += sight == Sight::corrupt;
    ended += sight == Sight::ended;
    CHECK(sight != Sight::other);
    CHECK(look(account) == Sight::all_there);
  }
  CHECK(corrupt > 0);
  CHECK(ended > 0);
}

TEST_CASE("rebuild waits for nobody: a mailbox in use is refused") {
  Account account;
  {
    auto mailbox = account.open();
    append(mailbox, kInbox, "one");
    CHECK(failure(rebuild(account.options())) == Failure::Code::in_use);
    ok(mailbox.write_snapshot());
  }
  const auto rebuilt = ok(rebuild(account.options()));
  CHECK(rebuilt.snapshot_used);
  CHECK(rebuilt.from_snapshot == 1);
  CHECK(rebuilt.adopted == 0);
}

TEST_CASE("a damaged snapshot gives what comes before the damage, the files the rest") {
  Account account;
  {
    auto mailbox = account.open();
    for (int i = 0; i < 10; ++i) append(mailbox, kInbox, "m" + std::to_string(i), kFlagged);
    ok(mailbox.write_snapshot());
  }
  fs::resize_file(account.path() + "/index/snapshot", fs::file_size(account.path() + "/index/snapshot") / 2);
  const auto rebuilt = ok(rebuild(account.options()));
  CHECK(rebuilt.from_snapshot > 0);
  CHECK(rebuilt.adopted > 0);
  CHECK(rebuilt.from_snapshot + rebuilt.adopted == 10);
  auto mailbox = account.open();
  CHECK(ok(mailbox.folder(kInbox)).exists == 10);
  CHECK(ok(verify(mailbox, Depth::checksums)).problems.empty());
}

TEST_CASE("hostile snapshots are survived") {
  const auto rebuilt_from = [](const std::vector<SnapshotRecord>& records) {
    Account account;
    {
      auto mailbox = account.open();
      append(mailbox, kInbox, "mail");
    }
    SnapshotWriter writer;
    for (const auto& record : records) writer.add(record);
    writer.finish();
    account.put("index/snapshot", writer.take());
    ok(rebuild(account.options()));
    auto mailbox = account.open();
    std::size_t messages = 0;
    for (const auto& entry : ok(mailbox.list()))
      if (entry.folder != 0) messages += ok(mailbox.folder(entry.folder)).exists;
    CHECK(messages == 1);
    CHECK(ok(verify(mailbox, Depth::checksums)).problems.empty());
    CHECK(ok(mailbox.find("INBOX")) == kInbox);
  };
  const SnapshotBegin begin{.next_folder = 5};
  const auto folder = [](const char* name, std::uint64_t id, Uid next = 10) {
    return SnapshotFolder{FolderRow{.name = name, .uid_validity = 1, .uid_next = next}, id};
  };
  const auto message = [](const char* file, std::uint64_t uid) {
    return SnapshotMessage{file, "", MessageRow{.keywords = ~KeywordMask{0}, .flags = 255}, uid};
  };
  rebuilt_from({});
  rebuilt_from({begin});
  rebuilt_from({folder("INBOX", 1)});
  rebuilt_from({begin, message("x", 1)});
  rebuilt_from({begin, folder("bad\n", 1), message("x", 1)});
  rebuilt_from({begin, folder("INBOX", 2)});
  rebuilt_from({begin, folder("Other", 1)});
  rebuilt_from({begin, folder("A", 2), folder("B", 2), folder("INBOX", 1, UINT32_MAX)});
  rebuilt_from(
      {begin, folder("A", 2), message("../../etc/passwd", 1), message("/", 1), message("", UINT32_MAX)});
  rebuilt_from({begin, SnapshotTombstone{"../x", 1}, SnapshotSubscription{"\x01"}});
  rebuilt_from({SnapshotBegin{.version = 99, .next_folder = 2}, folder("A", 2)});
}

TEST_CASE("verify finds each kind of trouble") {
  Account account;
  auto mailbox = account.open();
  const auto name = account.deliver("q.1", "text");
  account.deliver("q.2", "text");
  ok(mailbox.take_in());
  CHECK(ok(verify(mailbox, Depth::checksums)).problems.empty());
  account.put("cur/stray", "x");
  account.put("cur/" + name, "texT");
  CHECK(ok(verify(mailbox, Depth::sizes)).problems.size() == 1);
  auto result = ok(verify(mailbox, Depth::checksums));
  REQUIRE(result.problems.size() == 2);
  CHECK(result.problems[0].kind == Problem::Kind::damaged_file);
  CHECK(result.problems[1].kind == Problem::Kind::unknown_file);
  fs::remove(account.path() + "/cur/" + name);
  result = ok(verify(mailbox, Depth::sizes));
  CHECK(result.problems[0].kind == Problem::Kind::missing_file);
  CHECK(result.messages == 2);
  CHECK(result.folders == 1);
}
