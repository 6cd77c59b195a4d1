#include "daemons/deliverd/mail_drop.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "spool/mailbox/checksum.h"
#include "spool/mailbox/file_name.h"
#include "spool/queue/queue_id.h"
#include "tests/unit/queued/system.h"

using namespace mailroom;
using namespace mailroom::deliverd;
namespace fs = std::filesystem;

namespace {

// As root the account is another one than the test's, as in earnest.
class Mail {
 public:
  Mail()
      : drop{fd_.get(), uids_,
             ::geteuid() == 0 ? MailDrop::Identity::account : MailDrop::Identity::unchanged} {
    ::chmod(directory_.path().c_str(), 0711);
    ::mkdir(path("3").c_str(), 0700);
    ::mkdir(path("3/new").c_str(), 0700);
    own(path("3"));
    own(path("3/new"));
  }

  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  void own(const std::string& name) {
    if (::geteuid() == 0) REQUIRE(::chown(name.c_str(), uids_.accounts + 3, uids_.accounts + 3) == 0);
  }

  std::map<std::string, std::string> files(const std::string& directory = "3/new") const {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::directory_iterator(path(directory))) {
      std::ifstream in{entry.path(), std::ios::binary};
      out[entry.path().filename()] = {std::istreambuf_iterator<char>{in}, {}};
    }
    return out;
  }

 private:
  queued::test::TemporaryDirectory directory_;
  UidConfig uids_;
  Fd fd_{::open(directory_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};

 public:
  MailDrop drop;
};

Deliver message(std::uint32_t recipient = 1, std::string content = "Subject: x\r\n\r\ny\r\n") {
  return {{77, recipient}, 3, "Return-Path: <>\r\n", std::move(content), 0};
}

}  // namespace

TEST_CASE("a delivery is one complete file, named for what it is, and the account's own") {
  Mail mail;
  REQUIRE(mail.drop.put(message(), Fd{}));
  const auto files = mail.files();
  REQUIRE(files.size() == 1);
  const auto& [name, bytes] = *files.begin();
  CHECK(bytes == "Return-Path: <>\r\nSubject: x\r\n\r\ny\r\n");
  const auto parsed = mailbox::parse_file_name(name);
  REQUIRE(parsed);
  CHECK(parsed->id == queue::id_text(77) + ".1");
  CHECK(parsed->length == bytes.size());
  CHECK(parsed->checksum == mailbox::checksum(bytes));
  struct stat status {};
  REQUIRE(::stat(mail.path("3/new/" + name).c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  if (::geteuid() == 0) CHECK(status.st_uid == UidConfig{}.accounts + 3);
  CHECK(::geteuid() == ::getuid());
  const auto batch = mail.drop.take_batch();
  CHECK(batch->ids() == std::vector<DeliveryId>{{77, 1}});
  CHECK(batch->make_durable());
  CHECK(mail.drop.batch().empty());
}

TEST_CASE("a repeat takes the place of its earlier self, even of a damaged one") {
  Mail mail;
  REQUIRE(mail.drop.put(message(), Fd{}));
  const std::string name = mail.files().begin()->first;
  fs::resize_file(mail.path("3/new/" + name), 3);
  REQUIRE(mail.drop.put(message(), Fd{}));
  CHECK(mail.files().size() == 1);
  CHECK(mail.files().begin()->second.size() == mailbox::parse_file_name(name)->length);
  REQUIRE(mail.drop.put(message(2), Fd{}));
  CHECK(mail.files().size() == 2);
}

TEST_CASE("what an earlier crash left unfinished is in nobody's way") {
  Mail mail;
  REQUIRE(mail.drop.put(message(), Fd{}));
  const std::string name = mail.files().begin()->first;
  fs::rename(mail.path("3/new/" + name), mail.path("3/new/." + name));
  REQUIRE(mail.drop.put(message(), Fd{}));
  CHECK(mail.files().size() == 1);
}

TEST_CASE("large batches are made durable as one") {
  Mail mail;
  for (std::uint32_t i = 1; i <= 40; ++i) REQUIRE(mail.drop.put(message(i), Fd{}));
  CHECK(mail.drop.take_batch()->make_durable());
  CHECK(mail.files().size() == 40);
}

TEST_CASE("content in memory is taken when it is sealed and as long as said") {
  Mail mail;
  const std::string text(100'000, 'x');
  Fd memfd{::memfd_create("content", MFD_ALLOW_SEALING | MFD_CLOEXEC)};
  REQUIRE(::write(memfd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  Deliver large = message(1, "");
  large.memfd_size = text.size();
  CHECK_FALSE(mail.drop.put(large, Fd{::dup(memfd.get())}));
  REQUIRE(::fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
  CHECK_FALSE(mail.drop.put(large, Fd{}));
  large.memfd_size += 1;
  CHECK_FALSE(mail.drop.put(large, Fd{::dup(memfd.get())}));
  large.memfd_size -= 1;
  REQUIRE(mail.drop.put(large, Fd{::dup(memfd.get())}));
  CHECK(mail.files().begin()->second == "Return-Path: <>\r\n" + text);
}

TEST_CASE("content with holes is not taken: reading it would take memory that its sender has not given") {
  constexpr std::size_t kSize = 1 << 20;
  Mail mail;
  const Fd memfd{::memfd_create("content", MFD_ALLOW_SEALING | MFD_CLOEXEC)};
  const std::string page(4096, 'x');
  Deliver large = message(1, "");
  large.memfd_size = kSize;
  REQUIRE(::ftruncate(memfd.get(), kSize) == 0);
  SECTION("all of it a hole") {}
  SECTION("but for its beginning and end") {
    REQUIRE(::pwrite(memfd.get(), page.data(), page.size(), 0) > 0);
    REQUIRE(::pwrite(memfd.get(), page.data(), page.size(), kSize - page.size()) > 0);
  }
  REQUIRE(::fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
  CHECK_FALSE(mail.drop.put(large, Fd{::dup(memfd.get())}));
  CHECK(mail.files().empty());
}

TEST_CASE("where there is no mailbox nothing is written, and the delivery fails for now") {
  Mail mail;
  Deliver deliver = message();
  const auto fails = [&] {
    const auto put = mail.drop.put(deliver, Fd{});
    return !put && put.error().kind == DeliveryFailure::no_mailbox;
  };
  SECTION("account 0") {
    deliver.account = 0;
    CHECK(fails());
  }
  SECTION("outside of the range") {
    deliver.account = UINT32_MAX;
    CHECK(fails());
  }
  SECTION("root, a daemon or nobody of ours by a number that wraps, whatever there is by that name") {
    const UidConfig uids;
    deliver.account =
        GENERATE_COPY(0U - uids.accounts, uids.daemons + 2 - uids.accounts, uids.accounts_count);
    const std::string directory = std::to_string(deliver.account);
    fs::create_directories(mail.path(directory + "/new"));
    for (const std::string& each : {directory, directory + "/new"}) {
      REQUIRE(::chmod(mail.path(each).c_str(), 0700) == 0);
      const uid_t owner = uids.accounts + deliver.account;
      if (::geteuid() == 0) REQUIRE(::chown(mail.path(each).c_str(), owner, owner) == 0);
    }
    CHECK(fails());
    CHECK(mail.files(directory + "/new").empty());
  }
  SECTION("no directory") {
    deliver.account = 4;
    CHECK(fails());
  }
  SECTION("a symbolic link to another account's") {
    fs::create_directory_symlink(mail.path("3"), mail.path("4"));
    deliver.account = 4;
    CHECK(fails());
  }
  SECTION("new/ is a symbolic link") {
    fs::rename(mail.path("3/new"), mail.path("3/old"));
    fs::create_directory_symlink("old", mail.path("3/new"));
    CHECK(fails());
    CHECK(mail.files("3/old").empty());
  }
  SECTION("another's directory") {
    if (::geteuid() != 0) return;
    REQUIRE(::chown(mail.path("3/new").c_str(), 12345, 12345) == 0);
    CHECK(fails());
  }
  CHECK(mail.drop.batch().empty());
}

TEST_CASE("a link planted under the name of a delivery leads nowhere") {
  Mail mail;
  REQUIRE(mail.drop.put(message(), Fd{}));
  const std::string name = mail.files().begin()->first;
  fs::remove(mail.path("3/new/" + name));
  { std::ofstream victim{mail.path("victim")}; }
  fs::create_symlink(mail.path("victim"), mail.path("3/new/." + name));
  fs::create_symlink(mail.path("victim"), mail.path("3/new/" + name));
  REQUIRE(mail.drop.put(message(), Fd{}));
  CHECK(fs::file_size(mail.path("victim")) == 0);
  CHECK(fs::is_regular_file(fs::symlink_status(mail.path("3/new/" + name))));
}
