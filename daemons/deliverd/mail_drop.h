// Puts bytes into accounts' new/ directories, as the account, and makes what was put there durable in
// batches.
//
// A file is written under a name that begins with '.', complete with the lines on top, and renamed; so what
// has its name is complete, or, after a power cut, does not match its name.  The name is made of the delivery
// id and the bytes, so a repeat takes the place of its earlier self.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemons/channels/deliverd.h"
#include "daemons/config.h"
#include "libcommon/sys/become.h"
#include "libcommon/sys/fd.h"

namespace mailroom::deliverd {

// What has been put into accounts and is not yet known to be on disk.
class Batch {
 public:
  const std::vector<DeliveryId>& ids() const { return ids_; }
  bool empty() const { return ids_.empty(); }

  // True when all of it is on disk, with its names.  May be called from another thread; once.
  bool make_durable();

 private:
  friend class MailDrop;
  struct Directory {
    Fd fd;
    std::vector<Fd> files;  // written since; kept open for their sync
  };

  std::vector<DeliveryId> ids_;
  std::map<AccountId, Directory> directories_;
  AccountId first_ = 0;  // its directory was opened before anything of this batch was written
  std::size_t files_ = 0;
};

class MailDrop {
 public:
  enum class Identity : std::uint8_t { account, unchanged };

  // `accounts` is the directory of account directories; not owned.  With `unchanged` no uid is changed or
  // checked.
  MailDrop(int accounts, const UidConfig& uids, Identity identity)
      : accounts_{accounts}, uids_{uids}, identity_{identity}, batch_{std::make_unique<Batch>()} {}

  struct Failure {
    DeliveryFailure kind;
    std::string detail;
  };
  // The content is `message.content`, or what `memfd` holds.  On success it is visible in the account, and
  // part of the batch; otherwise nothing of it is.
  std::expected<void, Failure> put(const Deliver& message, Fd memfd);

  const Batch& batch() const { return *batch_; }
  std::unique_ptr<Batch> take_batch();

 private:
  std::expected<void, Failure> put_as_account(const Deliver& message, std::string_view content);
  std::expected<Batch::Directory*, Failure> directory_of(AccountId account);
  bool is_owned_by(const Fd& directory, AccountId account) const;

  int accounts_;
  const UidConfig& uids_;
  Identity identity_;
  std::unique_ptr<Batch> batch_;
};

}  // namespace mailroom::deliverd
