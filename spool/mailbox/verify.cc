#include <fcntl.h>
#include <fmt/format.h>

#include <bit>
#include <map>
#include <set>

#include "spool/mailbox/rebuild.h"
#include "spool/mailbox/state.h"

namespace mailroom::mailbox {
namespace {

class Verifier {
 public:
  Verifier(const Index& index, Verification& result) : index_{index}, result_{result} {}

  void run() {
    for_prefix(index_, index_.db().folders, "", [&](std::string_view key, std::string_view value) {
      const auto row = ipc::decode<FolderRow>(value);
      if (!row) throw CorruptRow("row of folders");
      check_folder(lmdb::parse_key<FolderId>(key), *row);
      ++result_.folders;
      return true;
    });
    check_files();
    check_meta();
  }

  // Of all files the index refers to.
  std::vector<std::pair<FileId, FileName>> files;

 private:
  void report(std::string text) { result_.problems.push_back({Problem::Kind::index, std::move(text)}); }

  void expect(bool holds, const FolderRow& folder, const char* what) {
    if (!holds) report(fmt::format("folder {}: {}", folder.name, what));
  }

  void check_folder(FolderId id, const FolderRow& folder) {
    UidSet existing, unseen, deleted;
    std::uint64_t octets = 0;
    for_prefix(index_, index_.db().messages, Key{id}, [&](std::string_view key, std::string_view value) {
      const auto row = ipc::decode<MessageRow>(value);
      if (!row) throw CorruptRow("row of messages");
      const auto uid = lmdb::parse_key<Uid>(key.substr(sizeof(FolderId)));
      existing.insert(uid);
      if (!(row->flags & kSeen)) unseen.insert(uid);
      if (row->flags & kDeleted) deleted.insert(uid);
      octets += row->size;
      check_message(id, folder, uid, *row);
      return true;
    });
    result_.messages += existing.size();
    expect(index_.set(id, SetKind::existing) == existing, folder,
           "the set of its UIDs does not match its messages");
    expect(index_.set(id, SetKind::unseen) == unseen, folder,
           "the set of its unseen UIDs does not match its messages");
    expect(index_.set(id, SetKind::deleted) == deleted, folder,
           "the set of its deleted UIDs does not match its messages");
    expect(folder.exists == existing.size() && folder.unseen == unseen.size() &&
               folder.deleted == deleted.size() && folder.octets == octets,
           folder, "its counts do not match its messages");
    expect(index_.named(folder.name) == id, folder, "its name leads elsewhere");
    check_changed(id, folder, existing.size());
  }

  void check_message(FolderId id, const FolderRow& folder, Uid uid, const MessageRow& row) {
    expect(uid < folder.uid_next && row.modseq <= folder.highest_modseq, folder,
           "a message is beyond its numbers");
    expect(index_.txn().get(index_.db().changed, Key{id, row.modseq, uid}).has_value(), folder,
           "a message is not in the order of changes");
    ++references_[row.file];
  }

  void check_changed(FolderId id, const FolderRow& folder, std::size_t messages) {
    std::size_t rows = 0;
    for_prefix(index_, index_.db().changed, Key{id}, [&](std::string_view, std::string_view) {
      ++rows;
      return true;
    });
    expect(rows == messages, folder, "the order of changes does not match its messages");
  }

  void check_files() {
    for_prefix(index_, index_.db().files, "", [&](std::string_view key, std::string_view value) {
      const auto row = ipc::decode<FileRow>(value);
      if (!row) throw CorruptRow("row of files");
      const auto file = lmdb::parse_key<FileId>(key);
      const auto references = references_.extract(file);
      if (references.empty() || references.mapped() != row->references)
        report(fmt::format("file {}: wrong number of references", row->id));
      if (index_.file_of(row->id) != file) report(fmt::format("file {}: its id leads elsewhere", row->id));
      octets_ += row->length;
      files.emplace_back(file, row->name());
      return true;
    });
    if (!references_.empty()) report(fmt::format("{} messages without file", references_.size()));
    result_.files = files.size();
  }

  void check_meta() {
    const auto meta = index_.meta();
    if (!meta || meta->files != files.size() || meta->octets != octets_)
      report("totals do not match the files");
  }

  const Index& index_;
  Verification& result_;
  std::map<FileId, std::uint32_t> references_;
  std::uint64_t octets_ = 0;
};

bool still_in_index(Mailbox::State& state, FileId file) {
  auto txn = state.env.read();
  return state.index(txn).file(file).has_value();
}

void check_content(Mailbox::State& state, FileId id, const FileName& name, Depth depth,
                   Verification& result) {
  const auto file = MessageFile::open(state.cur_dir.get(), name);
  if (file && (depth == Depth::sizes || file->checksum_matches())) return;
  if (!still_in_index(state, id)) return;  // expunged meanwhile
  const std::string path = format_file_name(name);
  struct stat status {};
  const bool missing = fstatat(state.cur_dir.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0;
  const auto kind = missing ? Problem::Kind::missing_file : Problem::Kind::damaged_file;
  result.problems.push_back({kind, file ? path + ": wrong checksum" : file.error().text});
}

bool is_expected(Mailbox::State& state, const std::string& path) {
  const auto name = parse_file_name(path);
  auto txn = state.env.read();
  return name && (state.index(txn).file_of(name->id) || txn.get(state.db.doomed, path));
}

void check_unknown_files(Mailbox::State& state, Verification& result) {
  for (const std::string& path : names_in(state.cur_dir.get()))
    if (!is_expected(state, path)) result.problems.push_back({Problem::Kind::unknown_file, path});
}

}  // namespace

Result<Verification> verify(Mailbox& mailbox, Depth depth) {
  return guarded([&] {
    Mailbox::State& state = mailbox.state();
    Verification result;
    std::vector<std::pair<FileId, FileName>> files;
    {
      auto txn = state.env.read();
      const Index index = state.index(txn);
      Verifier verifier{index, result};
      verifier.run();
      files = std::move(verifier.files);
    }
    for (const auto& [id, name] : files) check_content(state, id, name, depth, result);
    check_unknown_files(state, result);
    return result;
  });
}

}  // namespace mailroom::mailbox
