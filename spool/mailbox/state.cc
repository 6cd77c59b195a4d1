#include "spool/mailbox/state.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mailroom::mailbox {
namespace {

Failure::Code code_of(const lmdb::Error& error) {
  switch (error.kind) {
  case lmdb::Error::Kind::full:
    return Failure::Code::no_space;
  case lmdb::Error::Kind::corrupt:
    return Failure::Code::corrupt_index;
  case lmdb::Error::Kind::lost:
    return Failure::Code::stale_index;
  default:
    return Failure::Code::failed;
  }
}

Failure::Code code_of(const SystemError& error) {
  const bool full = error.number == ENOSPC || error.number == EDQUOT || error.number == EFBIG;
  return full ? Failure::Code::no_space : Failure::Code::failed;
}

}  // namespace

Failure current_failure() noexcept {
  try {
    throw;
  } catch (Refusal& refusal) {
    return std::move(refusal.failure);
  } catch (const lmdb::Error& error) {
    return {code_of(error), error.what()};
  } catch (const SystemError& error) {
    return {code_of(error), error.what()};
  } catch (const CorruptRow& error) {
    return {Failure::Code::corrupt_index, error.what()};
  } catch (const std::exception& error) {
    return {Failure::Code::failed, error.what()};
  } catch (...) {
    return {Failure::Code::failed, "unknown exception"};
  }
}

FolderRow require_folder(const Index& index, FolderId id) {
  auto row = index.folder(id);
  if (!row) refuse(Failure::Code::no_such_folder, std::to_string(id));
  return std::move(*row);
}

void signal_change(Mailbox::State& state) noexcept {
  // A failure costs the others some seconds: they look by themselves now and then.
  if (pwrite(state.changes.get(), "", 1, 0) < 0) return;
}

Change::Change(Mailbox::State& state)
    : state_{state}, txn_{state.env.write()}, index_{txn_, state.db}, now_{std::time(nullptr)} {
  if (const auto meta = index_.meta()) meta_ = *meta;
  meta_before_ = meta_;
}

FolderEditor& Change::folder(FolderId id) {
  const auto there = editors_.find(id);
  if (there != editors_.end()) return there->second;
  return editors_.try_emplace(id, index_, id, require_folder(index_, id)).first->second;
}

FolderId Change::create_folder(const std::string& name, SpecialUse use) {
  if (txn_.count(state_.db.folders) >= kMaxFolders) refuse(Failure::Code::too_many_folders, name);
  // Never the same twice in an account, so that a folder made again under an old name has another
  // UIDVALIDITY.
  meta_.last_uid_validity = std::max(meta_.last_uid_validity + 1, static_cast<std::uint32_t>(now_));
  const FolderId id = meta_.next_folder++;
  const FolderRow row{.name = name, .uid_validity = meta_.last_uid_validity, .use = use};
  txn_.put(state_.db.names, name, Key{id});
  index_.put_folder(id, row);
  return id;
}

FileId Change::add_file(const FileName& name) {
  const FileId file = meta_.next_file++;
  index_.put_file(file, {.id = name.id, .length = name.length, .checksum = name.checksum, .references = 0});
  txn_.put(state_.db.ids, name.id, Key{file});
  ++meta_.files;
  meta_.octets += name.length;
  return file;
}

void Change::add_reference(FileId file) {
  auto row = index_.file(file);
  if (!row) throw CorruptRow("message without file");
  ++row->references;
  index_.put_file(file, *row);
}

void Change::drop_reference(FileId file) {
  auto row = index_.file(file);
  if (!row) throw CorruptRow("message without file");
  if (--row->references > 0) {
    index_.put_file(file, *row);
    return;
  }
  txn_.erase(state_.db.files, Key{file});
  txn_.erase(state_.db.ids, row->id);
  txn_.erase(state_.db.summaries, Key{file});
  state_.summaries.erase(file);
  if (is_delivery_id(row->id)) index_.put_tombstone(row->id, now_ + state_.options.tombstone_seconds);
  doomed_.push_back(format_file_name(row->name()));
  txn_.put(state_.db.doomed, doomed_.back(), "");
  --meta_.files;
  meta_.octets -= row->length;
}

void Change::put_summaries() {
  for (const auto& [file, summary] : state_.summaries) {
    if (!txn_.get(state_.db.files, Key{file})) continue;
    std::string value{Key{state_.options.summary_version}};
    txn_.put(state_.db.summaries, Key{file}, value.append(summary));
  }
}

void Change::commit() {
  put_summaries();
  if (!doomed_.empty()) index_.purge_tombstones(now_, 2 * doomed_.size());
  for (auto& [id, editor] : editors_) editor.finish();
  if (meta_ != meta_before_) index_.put_meta(meta_);
  txn_.commit();
  state_.summaries.clear();
  state_.summary_octets = 0;
  remove_doomed();
  signal_change(state_);
}

// The rows of `doomed` stay until maintain(): should this process end here, the files are removed then.
void Change::remove_doomed() noexcept {
  for (const std::string& name : doomed_) unlinkat(state_.cur_dir.get(), name.c_str(), 0);
}

}  // namespace mailroom::mailbox
