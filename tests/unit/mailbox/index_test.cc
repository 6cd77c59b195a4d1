// The index below Mailbox: what would take too many commits through it.
#include "spool/mailbox/rebuild.h"
#include "spool/mailbox/state.h"
#include "tests/unit/mailbox/account.h"

using namespace mailroom::mailbox;

TEST_CASE("old expunges are forgotten beyond kMaxExpungeRecords, and that is said") {
  Account account;
  auto mailbox = account.open();
  append(mailbox, kInbox, "m");
  const auto start = ok(mailbox.folder(kInbox)).highest_modseq;
  auto& state = mailbox.state();
  {
    auto txn = state.env.write();
    Index index = state.index(txn);
    const auto file = index.message(kInbox, 1)->file;
    for (std::uint32_t i = 0; i < kMaxExpungeRecords + 10; ++i) {
      FolderEditor add{index, kInbox, *index.folder(kInbox)};
      const Uid uid = add.add({.file = file});
      add.finish();
      FolderEditor remove{index, kInbox, *index.folder(kInbox)};
      remove.remove(uid, *index.message(kInbox, uid));
      remove.finish();
    }
    CHECK(txn.count(state.db.expunged) == kMaxExpungeRecords);
    txn.commit();
  }
  const auto all = ok(mailbox.changes_since(kInbox, start));
  CHECK(!all.complete);
  CHECK(all.expunged.empty());
  const auto recent = ok(mailbox.changes_since(kInbox, all.folder.highest_modseq - 6));
  CHECK(recent.complete);
  CHECK(recent.expunged.size() == 3);
  CHECK(ok(verify(mailbox, Depth::sizes)).problems.empty());
}

TEST_CASE("a change without commit has no effect") {
  Account account;
  auto mailbox = account.open();
  append(mailbox, kInbox, "m");
  {
    Change change{mailbox.state()};
    change.folder(kInbox).remove(1, *change.index().message(kInbox, 1));
    change.create_folder("x", SpecialUse::none);
  }
  CHECK(ok(mailbox.folder(kInbox)).exists == 1);
  CHECK(failure(mailbox.find("x")) == Failure::Code::no_such_folder);
}

TEST_CASE("UIDs are never reused and end before they would wrap") {
  Account account;
  auto mailbox = account.open();
  const Uid uid = append(mailbox, kInbox, "m");
  {
    auto& state = mailbox.state();
    auto txn = state.env.write();
    FolderEditor folder{state.index(txn), kInbox, *state.index(txn).folder(kInbox)};
    const FileId file = state.index(txn).message(kInbox, uid)->file;
    CHECK(folder.add({.file = file}, UINT32_MAX - 1) == UINT32_MAX - 1);
    CHECK_THROWS_AS(folder.add({.file = file}), Refusal);
    CHECK_THROWS_AS(folder.add({.file = file}, uid), Refusal);
  }
  auto staged = ok(mailbox.stage());
  std::vector<NewMessage> messages;
  messages.push_back({.staged = std::move(staged), .uid = UINT32_MAX - 1});
  CHECK(ok(mailbox.append(kInbox, std::move(messages))).uids.at(0) == uid + 1);
}
