// The directories of accounts below spool/mail, which policyd asks for.
#pragma once

#include <vector>

#include "daemons/channels/control.h"
#include "daemons/config.h"

namespace mailroom {

class AccountDirectories {
 public:
  // `spool_mail` stays the caller's.  With `unprivileged` the owner is who runs this.
  AccountDirectories(int spool_mail, const UidConfig& uids, bool unprivileged)
      : spool_mail_{spool_mail}, uids_{uids}, unprivileged_{unprivileged} {}

  // Each with its parts, owned by its account; those that are there are fine.  What was made is on disk when
  // this returns: one sync for all.  Why others failed is in the log.
  AccountDirectoriesMade make(const std::vector<AccountId>& accounts) const;

  // Puts it aside as removed-ID; its number is never used again.  One that is not there is fine; a failure is
  // in the log.
  void remove(AccountId account) const;

 private:
  void require_account(AccountId account) const;
  void make_one(AccountId account) const;

  int spool_mail_;
  UidConfig uids_;
  bool unprivileged_;
};

}  // namespace mailroom
