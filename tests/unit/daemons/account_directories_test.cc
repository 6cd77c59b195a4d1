#include "daemons/mailroomd/account_directories.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "daemons/log.h"
#include "libcommon/sys/fd.h"
#include "tests/unit/temporary_directory.h"

using namespace mailroom;
using mailroom::test::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

// The log of this process, for as long as it lives.
class Log {
 public:
  Log() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    read_ = Fd{ends[0]};
    write_ = Fd{ends[1]};
    log::set_up({.fd = write_.get()});
  }
  ~Log() { log::set_up({}); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Since it was asked last.
  std::ptrdiff_t lines() const {
    char octets[65536];
    const ssize_t got = ::read(read_.get(), octets, sizeof octets);
    return got <= 0 ? 0 : std::count(octets, octets + got, '\n');
  }

 private:
  Fd read_, write_;
};

}  // namespace

TEST_CASE("numbers that no account has are one line of the log, however many policyd makes up") {
  const TemporaryDirectory mail;
  const Fd spool{::open(mail.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const UidConfig uids;
  const AccountDirectories directories{spool.get(), uids, true};
  std::vector<AccountId> invented{0};
  while (invented.size() < kMaxAccountDirectories)
    invented.push_back(uids.accounts_count + static_cast<AccountId>(invented.size()));
  const Log log;

  SECTION("alone") {
    const auto answer = directories.make(invented);
    CHECK(answer.made.empty());
    CHECK(answer.failed == invented);
    CHECK(fs::is_empty(mail.path()));
  }
  SECTION("beside one that there is") {
    invented.back() = 1;
    const auto answer = directories.make(invented);
    CHECK(answer.made == std::vector<AccountId>{1});
    CHECK(answer.failed.size() == invented.size() - 1);
    CHECK(fs::exists(mail.path() + "/1/new"));
  }
  CHECK(log.lines() == 1);
}

TEST_CASE("directories that can be made are no line of the log") {
  const TemporaryDirectory mail;
  const Fd spool{::open(mail.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const AccountDirectories directories{spool.get(), UidConfig{}, true};
  const Log log;
  CHECK(directories.make({{1, 2}}).failed.empty());
  directories.remove(2);
  directories.remove(2);
  CHECK(log.lines() == 0);
  CHECK(fs::exists(mail.path() + "/removed-2"));
  directories.remove(0);
  CHECK(log.lines() == 1);
}
