// Taking deliveries from new/ into INBOX.  format.md ("Delivery") has the steps and what a crash between them
// leaves.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "spool/mailbox/state.h"

namespace mailroom::mailbox {
namespace {

// Files taken in one transaction: bounds how long other sessions of the account wait.
constexpr std::size_t kBatch = 500;

// From here on one syncfs costs less than a sync of each file.
constexpr std::size_t kSyncTogether = 64;

// A directory that grew beyond this never shrinks by itself, and is slow to read even when empty.
constexpr off_t kLargeDirectory = 64 * 1024;

// A change within this time of the last look may have left the directory's time stamp as it was.
constexpr std::int64_t kTimeStampGrain = 20'000'000;  // ns; a kernel tick is at most 10 ms

struct Delivery {
  std::string path;  // in new/
  FileName name;
  timespec arrived{};
};

struct stat status_of(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw SystemError(errno, "fstat");
  return status;
}

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// The time stamp, if a later change is sure to alter it; else {0, 0}.
timespec reliable_time(const struct stat& status) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const auto age =
      (now.tv_sec - status.st_mtim.tv_sec) * 1'000'000'000 + (now.tv_nsec - status.st_mtim.tv_nsec);
  return age > kTimeStampGrain ? status.st_mtim : timespec{};
}

// The directory as it is now: another session may have put a fresh one in its place.
struct stat current_new(Mailbox::State& state) {
  struct stat status = status_of(state.new_dir.get());
  if (status.st_nlink > 0) return status;
  Made made = Made::no;
  state.new_dir = open_directory(state.root.get(), "new", made);
  state.new_seen = {};
  return status_of(state.new_dir.get());
}

bool is_temporary(std::string_view name) { return name.starts_with('.'); }

// What deliverd finished, in the order of arrival; everything else is counted as left.
std::vector<Delivery> scan(Mailbox::State& state, Intake& intake) {
  std::vector<Delivery> deliveries;
  bool temporaries = false;
  for (std::string& path : names_in(state.new_dir.get())) {
    if (is_temporary(path)) {
      temporaries = true;
      continue;
    }
    const auto name = parse_file_name(path);
    struct stat status {};
    if (!name || !is_delivery_id(name->id) ||
        fstatat(state.new_dir.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode)) {
      ++intake.left;
      continue;
    }
    deliveries.push_back({std::move(path), *name, status.st_mtim});
  }
  if (temporaries) remove_stale(state.new_dir.get(), std::time(nullptr), kStaleSeconds, is_temporary);
  std::ranges::sort(deliveries, [](const Delivery& a, const Delivery& b) {
    return std::tie(a.arrived.tv_sec, a.arrived.tv_nsec, a.path) <
           std::tie(b.arrived.tv_sec, b.arrived.tv_nsec, b.path);
  });
  return deliveries;
}

bool content_matches(const OpenFile& file, const FileName& name) {
  if (static_cast<std::uint64_t>(file.status.st_size) != name.length || name.length > kMaxMessageLength)
    return false;
  return checksum_of(file) == name.checksum;
}

bool is_whole(int directory, const FileName& name) {
  const auto file = open_regular(directory, format_file_name(name).c_str());
  return file && content_matches(*file, name);
}

// One transaction's worth of deliveries.
class Batch {
 public:
  Batch(Mailbox::State& state, Intake& intake) : state_{state}, intake_{intake}, change_{state} {}

  void consider(const Delivery& delivery) {
    const std::string& id = delivery.name.id;
    if (change_.index().is_tombstone(id)) return drop(delivery);
    if (const auto file = change_.index().file_of(id)) return repeat(delivery, *file);
    take(delivery);
  }

  void commit() {
    if (taken_ > 0) {
      sync();
      change_.commit();
    }
    for (const std::string& path : finished_) unlinkat(state_.new_dir.get(), path.c_str(), 0);
  }

 private:
  void drop(const Delivery& delivery) {
    ++intake_.repeated;
    finished_.push_back(delivery.path);
  }

  // Known.  Another file of the same message takes the place of ours, even of one that reads well: it was
  // delivered again because nobody has said that ours is on the disk, and a sync of it may have failed.
  void repeat(const Delivery& delivery, FileId id) {
    const auto row = change_.index().file(id);
    if (!row) throw CorruptRow("id without file");
    const auto file = open_whole(delivery);
    if (file && row->name() == delivery.name && !is_linked(*file, delivery.path))
      return replace(*file, delivery);
    if (is_whole(state_.cur_dir.get(), row->name())) return drop(delivery);
    ++intake_.left;
  }

  // Its row is there: a crash before the rename leaves the delivery, one after it the message.
  void replace(const OpenFile& file, const Delivery& delivery) {
    state_.sync_failed = true;
    sync_data(file.fd.get());
    if (renameat(state_.new_dir.get(), delivery.path.c_str(), state_.cur_dir.get(), delivery.path.c_str()) !=
        0)
      throw SystemError(errno, "rename");
    sync_directory(state_.cur_dir.get());
    state_.sync_failed = false;
    ++intake_.repeated;
  }

  void take(const Delivery& delivery) {
    if (!link_to_cur(delivery)) {
      ++intake_.left;
      return;
    }
    const FileId file = change_.add_file(delivery.name);
    change_.add_reference(file);
    const std::int64_t arrived = std::clamp<std::int64_t>(delivery.arrived.tv_sec, 0, change_.now());
    change_.folder(kInbox).add(
        {.file = file, .internal_date = arrived, .save_date = change_.now(), .size = delivery.name.length});
    finished_.push_back(delivery.path);
    ++taken_;
    ++intake_.taken;
  }

  // A second name in cur/ for the whole file; false when it is not whole.  It keeps its name in new/ until
  // the row is committed: a crash in between leaves nothing in cur/ that only a search of all files could
  // find.
  bool link_to_cur(const Delivery& delivery) {
    auto file = open_whole(delivery);
    if (!file) return false;
    if (!is_linked(*file, delivery.path)) {
      unlinkat(state_.cur_dir.get(), delivery.path.c_str(), 0);  // no row names what is there
      if (linkat(state_.new_dir.get(), delivery.path.c_str(), state_.cur_dir.get(), delivery.path.c_str(),
                 0) != 0)
        return linking_failed();
      if (!is_linked(*file, delivery.path)) return false;  // replaced after it was opened
    }
    if (unsynced_.size() < kSyncTogether) unsynced_.push_back(std::move(file->fd));
    ++linked_;
    return true;
  }

  std::optional<OpenFile> open_whole(const Delivery& delivery) const {
    auto file = open_regular(state_.new_dir.get(), delivery.path.c_str());
    if (!file || file->status.st_nlink > 2 || !content_matches(*file, delivery.name)) return {};
    return file;
  }

  static bool linking_failed() {
    if (errno == EEXIST || errno == ENOENT || errno == EISDIR) return false;
    throw SystemError(errno, "link");
  }

  // Whether cur/ has this very file under the name.
  bool is_linked(const OpenFile& file, const std::string& path) const {
    struct stat there {};
    if (fstatat(state_.cur_dir.get(), path.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return false;
    return there.st_ino == file.status.st_ino && there.st_dev == file.status.st_dev;
  }

  // After a failure the kernel forgets what it could not write, and the next sync succeeds without having
  // written it: this process takes in nothing more.
  void sync() {
    state_.sync_failed = true;
    if (linked_ >= kSyncTogether) {
      sync_file_system(state_.cur_dir.get());
    } else {
      for (const Fd& fd : unsynced_) sync_data(fd.get());
      sync_directory(state_.cur_dir.get());
    }
    state_.sync_failed = false;
  }

  Mailbox::State& state_;
  Intake& intake_;
  Change change_;
  std::vector<std::string> finished_;  // names in new/ to remove after the commit
  std::vector<Fd> unsynced_;
  std::size_t linked_ = 0;
  std::size_t taken_ = 0;
};

void take_all(Mailbox::State& state, const std::vector<Delivery>& deliveries, Intake& intake) {
  for (std::size_t at = 0; at < deliveries.size(); at += kBatch) {
    Batch batch{state, intake};
    const std::size_t end = std::min(at + kBatch, deliveries.size());
    for (std::size_t i = at; i < end; ++i) batch.consider(deliveries[i]);
    batch.commit();
  }
}

// Puts a fresh directory in the place of a large empty one.  The rename fails if anything is in it, and who
// still holds the old one cannot create files there any more, so that nothing is lost.
void replace_if_large(Mailbox::State& state) {
  if (status_of(state.new_dir.get()).st_size <= kLargeDirectory) return;
  const int root = state.root.get();
  Made made = Made::no;
  Fd fresh = open_directory(root, ".new", made);
  sync_directory(fresh.get());
  if (renameat(root, ".new", root, "new") != 0) return;
  sync_directory(root);
  state.new_dir = std::move(fresh);
  state.new_seen = {};
}

}  // namespace

Result<Intake> Mailbox::take_in() {
  return guarded([&] {
    Intake intake;
    if (state_->sync_failed) refuse(Failure::Code::failed, "an earlier sync of new messages failed");
    const struct stat before = current_new(*state_);
    if (state_->new_seen.tv_sec != 0 && same_time(before.st_mtim, state_->new_seen)) return intake;
    // Taken before the scan: what arrives during it changes the directory's time again.
    const timespec seen = reliable_time(before);
    const auto deliveries = scan(*state_, intake);
    take_all(*state_, deliveries, intake);
    if (intake.taken + intake.repeated == 0) {
      state_->new_seen =
          seen;  // what was left comes again under the same name, by a rename that changes the time
    } else if (intake.left == 0) {
      replace_if_large(*state_);
    }
    return intake;
  });
}

}  // namespace mailroom::mailbox
