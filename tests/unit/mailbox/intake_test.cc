#include "tests/unit/mailbox/account.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "spool/mailbox/rebuild.h"

using namespace mailroom::mailbox;
namespace fs = std::filesystem;

namespace {

std::size_t problems(Mailbox& mailbox) { return ok(verify(mailbox, Depth::checksums)).problems.size(); }

}  // namespace

TEST_CASE("deliveries are taken into INBOX in the order of arrival") {
  Account account;
  auto mailbox = account.open();
  account.deliver("qb.1", "first");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  account.deliver("qa.1", "second, later");
  account.put("new/.qc.1", "unfinished");
  const auto intake = ok(mailbox.take_in());
  CHECK(intake.taken == 2);
  CHECK(intake.left == 0);
  CHECK(ok(mailbox.open_file(ok(mailbox.message(kInbox, 1)).file)).bytes() == "first");
  CHECK(ok(mailbox.message(kInbox, 2)).size == 13);
  CHECK(std::abs(ok(mailbox.message(kInbox, 1)).internal_date - std::time(nullptr)) < 10);
  CHECK(account.files_in("new") == 1);
  CHECK(account.files_in("cur") == 2);
  CHECK(ok(mailbox.take_in()).taken == 0);
  CHECK(problems(mailbox) == 0);
}

TEST_CASE("an arrival is noticed however soon it follows the last look") {
  Account account;
  auto mailbox = account.open();
  for (int i = 0; i < 50; ++i) {
    CHECK(ok(mailbox.take_in()).taken == 0);
    account.deliver("q" + std::to_string(i) + ".1", "x");
    REQUIRE(ok(mailbox.take_in()).taken == 1);
  }
}

TEST_CASE("a repeated delivery is dropped, also after its message was expunged") {
  Account account;
  auto mailbox = account.open();
  account.deliver("q.1", "text");
  CHECK(ok(mailbox.take_in()).taken == 1);
  account.deliver("q.1", "text");
  auto intake = ok(mailbox.take_in());
  CHECK(intake.taken == 0);
  CHECK(intake.repeated == 1);
  ok(mailbox.remove(kInbox, {1}));
  CHECK(account.files_in("cur") == 0);
  account.deliver("q.1", "text");
  CHECK(ok(mailbox.take_in()).repeated == 1);
  CHECK(account.files_in("new") == 0);
  CHECK(ok(mailbox.folder(kInbox)).exists == 0);
  account.deliver("q.2", "text");
  CHECK(ok(mailbox.take_in()).taken == 1);
  ok(mailbox.maintain());
  CHECK(problems(mailbox) == 0);
}

TEST_CASE("the file of a repeated delivery takes the place of the first, whose sync may have failed") {
  Account account;
  auto mailbox = account.open();
  const std::string name = account.deliver("q.1", "text");
  ok(mailbox.take_in());
  account.deliver("q.1", "text");
  const auto inode = [&](const std::string& directory) {
    struct stat status {};
    CHECK(stat((account.path() + "/" + directory + "/" + name).c_str(), &status) == 0);
    return status.st_ino;
  };
  const auto second = inode("new");
  REQUIRE(inode("cur") != second);
  CHECK(ok(mailbox.take_in()).repeated == 1);
  CHECK(inode("cur") == second);
  CHECK(account.files_in("new") == 0);
  CHECK(ok(mailbox.folder(kInbox)).exists == 1);
  CHECK(problems(mailbox) == 0);
}

TEST_CASE("a tombstone is forgotten when its time is over") {
  Account account;
  auto options = account.options();
  options.tombstone_seconds = -1;
  auto mailbox = ok(Mailbox::open(options));
  account.deliver("q.1", "text");
  ok(mailbox.take_in());
  ok(mailbox.remove(kInbox, {1}));
  ok(mailbox.maintain());
  account.deliver("q.1", "text");
  CHECK(ok(mailbox.take_in()).taken == 1);
}

TEST_CASE("a repeat repairs a file that is damaged or gone") {
  Account account;
  auto mailbox = account.open();
  const std::string name = account.deliver("q.1", "text");
  ok(mailbox.take_in());
  for (const char* damage : {"tex!", ""}) {
    if (*damage) {
      account.put("cur/" + name, damage);
    } else {
      fs::remove(account.path() + "/cur/" + name);
    }
    CHECK(problems(mailbox) == 1);
    account.deliver("q.1", "text");
    CHECK(ok(mailbox.take_in()).repeated == 1);
    CHECK(problems(mailbox) == 0);
    CHECK(ok(mailbox.folder(kInbox)).exists == 1);
  }
}

TEST_CASE("what does not match its name is left for redelivery") {
  Account account;
  auto mailbox = account.open();
  const std::string name = account.deliver("q.1", "text");
  account.put("new/" + name, "tex!");
  auto intake = ok(mailbox.take_in());
  CHECK(intake.taken == 0);
  CHECK(intake.left == 1);
  account.put("new/" + name, "te");
  account.deliver("q.2", "other");  // changes the directory
  intake = ok(mailbox.take_in());
  CHECK(intake.taken == 1);
  CHECK(intake.left == 1);
  account.deliver("q.1", "text");
  CHECK(ok(mailbox.take_in()).taken == 1);
  CHECK(account.files_in("new") == 0);
}

TEST_CASE("hostile things in new/ and cur/ are neither followed nor waited for") {
  Account account;
  auto mailbox = account.open();
  account.put("secret", "text");
  const std::string path = account.path() + "/new/";
  const auto name = [](const std::string& id) { return format_file_name(Account::name_of(id, "text")); };
  fs::create_symlink("../secret", path + name("q.1"));
  REQUIRE(mkfifo((path + name("q.2")).c_str(), 0600) == 0);
  fs::create_directory(path + name("q.3"));
  account.put("new/" + name("q.4"), "");
  account.put("new/no name of ours", "text");
  account.put("new/" + format_file_name({"q.5", std::uint64_t{1} << 40, 0}), "");
  fs::resize_file(path + format_file_name({"q.5", std::uint64_t{1} << 40, 0}), std::uint64_t{1} << 40);
  account.put("new/~0123456789abcdef,S=4,C=" + name("x").substr(name("x").size() - 8), "text");
  const std::string good = account.deliver("q.9", "text");
  for (const char* blocked : {"q.6", "q.7", "q.8"}) account.deliver(blocked, "text");
  fs::create_directory(account.path() + "/cur/" + name("q.6"));
  fs::create_symlink("/etc/passwd", account.path() + "/cur/" + name("q.7"));
  REQUIRE(mkfifo((account.path() + "/cur/" + name("q.8")).c_str(), 0600) == 0);

  const auto before = std::chrono::steady_clock::now();
  const auto intake = ok(mailbox.take_in());
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(1));
  CHECK(intake.taken == 3);  // q.7, q.8 and q.9
  CHECK(intake.left == 8);
  const auto uids = ok(mailbox.uids(kInbox));
  for (const Uid uid : uids.to_vector())
    CHECK(ok(mailbox.open_file(ok(mailbox.message(kInbox, uid)).file)).bytes() == "text");
  CHECK(std::ifstream(account.path() + "/secret").good());
}

TEST_CASE("a message file that was replaced by something else is damaged, never followed") {
  Account account;
  auto mailbox = account.open();
  const std::string name = account.deliver("q.1", "text");
  ok(mailbox.take_in());
  const auto file = ok(mailbox.message(kInbox, 1)).file;
  const std::string path = account.path() + "/cur/" + name;
  account.put("other", "text");
  fs::remove(path);
  CHECK(failure(mailbox.open_file(file)) == Failure::Code::damaged);
  fs::create_symlink("../other", path);
  CHECK(failure(mailbox.open_file(file)) == Failure::Code::damaged);
  fs::remove(path);
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  CHECK(failure(mailbox.open_file(file)) == Failure::Code::damaged);
  fs::remove(path);
  account.put("cur/" + name, "longer text");
  CHECK(failure(mailbox.open_file(file)) == Failure::Code::damaged);
  account.put("cur/" + name, "tExt");
  CHECK(!ok(mailbox.open_file(file)).checksum_matches());
}

TEST_CASE("directories and index files that are links or pipes refuse to open") {
  for (const char* victim : {"cur", "new", "tmp", "index"}) {
    Account account;
    { auto mailbox = account.open(); }
    fs::remove_all(account.path() + "/" + victim);
    fs::create_symlink("/tmp", account.path() + "/" + victim);
    CHECK(!Mailbox::open(account.options()));
  }
  for (const char* victim : {"index/data.mdb", "index/lock.mdb", "index/changes"}) {
    Account account;
    { auto mailbox = account.open(); }
    fs::remove(account.path() + "/" + victim);
    REQUIRE(mkfifo((account.path() + "/" + victim).c_str(), 0600) == 0);
    CHECK(!Mailbox::open(account.options()));
    fs::remove(account.path() + "/" + victim);
    fs::create_symlink("/tmp/mr-mailbox-nowhere", account.path() + "/" + victim);
    CHECK(!Mailbox::open(account.options()));
  }
  CHECK(!fs::exists("/tmp/mr-mailbox-nowhere"));
}

TEST_CASE("many deliveries are taken in at once, and a swollen new/ is replaced") {
  Account account{"/tmp"};  // directories of tmpfs do not swell
  auto mailbox = account.open();
  const int count = 1500;
  for (int i = 0; i < count; ++i)
    account.deliver("a-rather-long-queue-id-of-this-kind-" + std::to_string(i) + ".1", "x");
  struct stat before {
  }, after{};
  REQUIRE(stat((account.path() + "/new").c_str(), &before) == 0);
  CHECK(ok(mailbox.take_in()).taken == count);
  REQUIRE(stat((account.path() + "/new").c_str(), &after) == 0);
  if (before.st_size > 64 * 1024) CHECK(before.st_ino != after.st_ino);
  CHECK(!account.has(".new"));
  account.deliver("q.1", "after");
  CHECK(ok(mailbox.take_in()).taken == 1);
  CHECK(account.files_in("new") == 0);
}

TEST_CASE("two processes take in the same deliveries: each once") {
  Account account;
  { auto mailbox = account.open(); }
  const int count = 300;
  for (int i = 0; i < count; ++i)
    account.deliver("q" + std::to_string(i) + ".1", "text " + std::to_string(i));
  for (int child = 0; child < 4; ++child) {
    if (fork() == 0) {
      auto mailbox = Mailbox::open(account.options());
      bool good = mailbox.has_value();
      for (int i = 0; good && i < 20; ++i) good = mailbox->take_in().has_value();
      _exit(good ? 0 : 1);
    }
  }
  for (int child = 0; child < 4; ++child) {
    int status = 0;
    wait(&status);
    CHECK(status == 0);
  }
  auto mailbox = account.open();
  CHECK(ok(mailbox.folder(kInbox)).exists == count);
  CHECK(account.files_in("cur") == count);
  CHECK(account.files_in("new") == 0);
  CHECK(problems(mailbox) == 0);
}
