#include <fmt/format.h>

#include <algorithm>

#include "spool/mailbox/state.h"
#include "spool/mailbox/transfer/importer.h"
#include "spool/mailbox/transfer/line_ends.h"
#include "spool/mailbox/transfer/maildir_format.h"

namespace mailroom::mailbox {
namespace {

// dovecot-uidlist of some million messages.
constexpr std::uint64_t kMaxIndexFile = std::uint64_t{256} << 20;

struct SourceFile {
  std::string directory;  // "cur" or "new"
  std::string path;
  MaildirName name;
  std::optional<UidListEntry> known;
};

std::string read_text(int directory, const char* name) {
  const auto file = open_regular(directory, name, Owner::anyone);
  return file ? read_all(*file, kMaxIndexFile).value_or("") : std::string{};
}

// One Maildir: INBOX or a folder.
class MaildirImport {
 public:
  MaildirImport(Mailbox& mailbox, int directory, const std::string& folder, const ImportOptions& options,
                Imported& result)
      : directory_{directory}, label_{folder}, options_{options}, result_{result}, import_{mailbox, folder,
                                                                                           result},
        uids_{parse_uid_list(read_text(directory, "dovecot-uidlist")).value_or(UidList{})},
        keywords_{parse_keywords(read_text(directory, "dovecot-keywords"))} {}

  void run() {
    import_.adopt_numbers(uids_.uid_validity, uids_.uid_next);
    auto files = files_in("cur");
    std::ranges::move(files_in("new"), std::back_inserter(files));
    std::ranges::stable_sort(files, [](const SourceFile& a, const SourceFile& b) {
      return std::pair{order(a), std::string_view{a.path}} < std::pair{order(b), std::string_view{b.path}};
    });
    for (const SourceFile& file : files) import(file);
    import_.finish();
  }

 private:
  static Uid order(const SourceFile& file) { return file.known ? file.known->uid : UINT32_MAX; }

  std::vector<SourceFile> files_in(const char* name) {
    std::vector<SourceFile> files;
    const auto directory = open_foreign_directory(directory_, name);
    if (!directory) return files;
    for (std::string& path : names_in(directory->get())) {
      if (path.starts_with('.')) continue;
      SourceFile file{.directory = name, .path = std::move(path)};
      file.name = parse_maildir_name(file.path);
      const auto known = uids_.entries.find(file.name.base);
      if (known != uids_.entries.end()) file.known = known->second;
      files.push_back(std::move(file));
    }
    return files;
  }

  void skip(const SourceFile& file, const char* why) {
    result_.skipped.push_back(fmt::format("{}: {}/{}: {}", label_, file.directory, file.path, why));
  }

  void import(const SourceFile& source) {
    const auto directory = open_foreign_directory(directory_, source.directory.c_str());
    const auto file =
        directory ? open_regular(directory->get(), source.path.c_str(), Owner::anyone) : std::nullopt;
    if (!file) return skip(source, "not a readable file");
    const auto octets = read_all(*file, kMaxMessageLength);
    if (!octets) return skip(source, "too large, or cannot be read");
    IncomingMessage message{
        .content = to_wire(*octets), .date = file->status.st_mtim.tv_sec, .flags = source.name.flags};
    for (const char letter : source.name.letters)
      if (const auto keyword = keywords_.find(letter); keyword != keywords_.end())
        message.keywords.push_back(keyword->second);
    if (source.known) {
      message.uid = source.known->uid;
      message.uidl = uidl_of(*source.known);
    }
    import_.add(std::move(message));
  }

  std::string uidl_of(const UidListEntry& entry) const {
    if (!entry.uidl.empty() || options_.computed_uidl == ComputedUidl::none) return entry.uidl;
    return fmt::format("{:08x}{:08x}", entry.uid, uids_.uid_validity);
  }

  int directory_;
  std::string label_;
  const ImportOptions& options_;
  Imported& result_;
  FolderImport import_;
  UidList uids_;
  std::map<char, std::string> keywords_;
};

// Where the Maildir++ folder `name` goes when the Maildir itself goes to `top`.
std::string target_of(const std::string& name, const std::string& top) {
  return top == "INBOX" ? name : top + kDelimiter + name;
}

void import_subscriptions(Mailbox& mailbox, int directory, const std::string& top) {
  const std::string text = read_text(directory, "subscriptions");
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.starts_with("V\t") || line.empty()) continue;  // Dovecot's version line
    const auto name = line == "INBOX" ? std::optional{top} : folder_of_directory("." + std::string{line});
    // A name that cannot be subscribed to could not be listed either.
    if (name) static_cast<void>(mailbox.subscribe(line == "INBOX" ? top : target_of(*name, top)));
  }
}

}  // namespace

Result<Imported> import_maildir(Mailbox& mailbox, const std::string& path, const ImportOptions& options) {
  return guarded([&] {
    Imported result;
    const Fd root = open_root(path);
    if (!open_foreign_directory(root.get(), "cur"))
      refuse(Failure::Code::failed, path + " is not a Maildir: it has no cur/");
    MaildirImport{mailbox, root.get(), options.folder, options, result}.run();
    auto directories = names_in(root.get());
    std::ranges::sort(directories);
    for (const std::string& name : directories) {
      const auto folder = folder_of_directory(name);
      const auto directory = folder ? open_foreign_directory(root.get(), name.c_str()) : std::nullopt;
      if (!directory || !open_foreign_directory(directory->get(), "cur")) continue;
      MaildirImport{mailbox, directory->get(), target_of(*folder, options.folder), options, result}.run();
    }
    import_subscriptions(mailbox, root.get(), options.folder);
    return result;
  });
}

}  // namespace mailroom::mailbox
