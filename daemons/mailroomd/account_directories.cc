#include "daemons/mailroomd/account_directories.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include "daemons/log.h"
#include "daemons/mailroomd/file_tree.h"

namespace mailroom {
namespace {

// Parts of an account's directory (spool/mailbox/format.md).
constexpr std::array kAccountParts{"new", "cur", "tmp", "index"};

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void make_directory(int below, const std::string& name) {
  if (::mkdirat(below, name.c_str(), 0700) != 0 && errno != EEXIST) fail("mkdir " + name);
}

void sync(int spool_mail) {
  if (::syncfs(open_for_owner(spool_mail, ".").get()) != 0) fail("spool/mail");
}

void note_failure(const std::string& what, const std::exception& error) {
  log::write("start-failed", {{"process", what}, {"reason", error.what()}});
}

}  // namespace

void AccountDirectories::make_one(AccountId account) const {
  require_account(account);
  const std::string name = std::to_string(account);
  const uid_t owner = unprivileged_ ? ::getuid() : uids_.accounts + account;
  make_directory(spool_mail_, name);
  const Fd directory = open_for_owner(spool_mail_, name);
  struct stat facts {};
  if (::fstat(directory.get(), &facts) != 0) fail(name);
  // The owner is set last: who has it is complete, and from then on root does nothing below it.
  if (facts.st_uid == owner && !unprivileged_) return;
  for (const char* part : kAccountParts) {
    make_directory(directory.get(), part);
    set_owner(open_for_owner(directory.get(), part).get(), owner, 0700, part);
  }
  set_owner(directory.get(), owner, 0700, name);
}

AccountDirectoriesMade AccountDirectories::make(const std::vector<AccountId>& accounts) const {
  AccountDirectoriesMade answer;
  for (const AccountId account : accounts) {
    try {
      make_one(account);
      answer.made.push_back(account);
    } catch (const std::exception& error) {
      // One line for each request, however many numbers policyd makes up.
      if (answer.failed.empty()) note_failure("account directory " + std::to_string(account), error);
      answer.failed.push_back(account);
    }
  }
  try {
    sync(spool_mail_);
  } catch (const std::exception& error) {
    note_failure("account directories", error);
    answer = {{}, accounts};
  }
  return answer;
}

void AccountDirectories::remove(AccountId account) const {
  const std::string name = std::to_string(account);
  const std::string aside = "removed-" + name;
  try {
    require_account(account);
    if (::renameat(spool_mail_, name.c_str(), spool_mail_, aside.c_str()) != 0 && errno != ENOENT)
      fail("rename");
  } catch (const std::exception& error) {
    note_failure("account directory " + name, error);
  }
}

void AccountDirectories::require_account(AccountId account) const {
  if (account == 0 || account >= uids_.accounts_count) throw std::out_of_range{"no account has that number"};
}

}  // namespace mailroom
