#include "spool/mailbox/transfer/export.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <bit>
#include <cerrno>

#include "spool/mailbox/account.h"
#include "spool/mailbox/state.h"
#include "spool/mailbox/transfer/line_ends.h"
#include "spool/mailbox/transfer/maildir_format.h"
#include "spool/mailbox/transfer/mbox_format.h"

namespace mailroom::mailbox {
namespace {

constexpr std::size_t kMaildirKeywords = 26;

// Calls visit(message, octets) for the folder's messages; those whose file cannot be read are reported.
template <typename Visit>
void for_each_message(Mailbox& mailbox, const Folder& folder, Exported& result, Visit&& visit) {
  Uid from = 1;
  while (true) {
    const auto batch = value_of(mailbox.messages(folder.id, UidRange{from, UINT32_MAX - 1}));
    if (batch.empty()) return;
    for (const Message& message : batch) {
      const auto file = mailbox.open_file(message.file);
      if (file && file->checksum_matches()) {
        visit(message, file->bytes());
        ++result.messages;
      } else {
        result.skipped.push_back(fmt::format("{}: UID {}: {}", folder.name, message.uid,
                                             file ? "wrong checksum" : file.error().text));
      }
    }
    from = batch.back().uid + 1;
  }
}

// UIDLs that are not computed from UIDVALIDITY and UID, or all where another server would compute them
// otherwise.
std::map<Uid, std::string> uidls_of(Mailbox& mailbox, FolderId folder) {
  std::map<Uid, std::string> uidls;
  if (folder != kInbox) return uidls;
  for (auto& entry : value_of(mailbox.maildrop())) uidls.emplace(entry.uid, std::move(entry.uidl));
  return uidls;
}

template <typename Use>
void for_keywords(const Folder& folder, KeywordMask mask, Use&& use) {
  for (; mask != 0; mask &= mask - 1) {
    const auto bit = static_cast<std::size_t>(std::countr_zero(mask));
    if (bit < folder.keywords.size()) use(bit);
  }
}

// ---- Maildir ----

void write_file(int directory, const std::string& name, std::string_view octets) {
  const Fd fd = create_file(directory, name.c_str());
  write_all(fd.get(), octets);
}

// The directories are synced when all is in them.
Fd make_directory(int parent, const char* name) {
  Made made = Made::no;
  return open_directory(parent, name, made);
}

class MaildirExport {
 public:
  MaildirExport(Mailbox& mailbox, const Fd& directory, Folder folder, Exported& result)
      : mailbox_{mailbox}, directory_{directory.get()}, folder_{std::move(folder)}, result_{result},
        cur_{make_directory(directory_, "cur")}, uidls_{uidls_of(mailbox, folder_.id)} {
    make_directory(directory_, "new");
    make_directory(directory_, "tmp");
    ++result_.folders;
  }

  void run() {
    UidList list{.uid_validity = folder_.uid_validity, .uid_next = folder_.uid_next};
    for_each_message(mailbox_, folder_, result_, [&](const Message& message, std::string_view octets) {
      const MaildirName name = name_of(message);
      write(name, message, octets);
      const auto uidl = uidls_.find(message.uid);
      list.entries[name.base] = {message.uid, uidl == uidls_.end() ? std::string{} : uidl->second};
    });
    write_file(directory_, "dovecot-uidlist", format_uid_list(list));
    if (!folder_.keywords.empty()) write_file(directory_, "dovecot-keywords", format_keywords(letters()));
    sync_directory(cur_.get());
    sync_directory(directory_);
  }

 private:
  MaildirName name_of(const Message& message) const {
    MaildirName name{.base =
                         fmt::format("{}.M{}P{}.mailroom", message.internal_date, folder_.id, message.uid),
                     .flags = message.flags};
    for_keywords(folder_, message.keywords, [&](std::size_t bit) {
      if (bit < kMaildirKeywords) name.letters.push_back(static_cast<char>('a' + bit));
    });
    return name;
  }

  std::map<char, std::string> letters() const {
    std::map<char, std::string> letters;
    for (std::size_t bit = 0; bit < std::min(kMaildirKeywords, folder_.keywords.size()); ++bit)
      letters[static_cast<char>('a' + bit)] = folder_.keywords[bit];
    return letters;
  }

  void write(const MaildirName& name, const Message& message, std::string_view octets) {
    const Fd fd = create_file(cur_.get(), format_maildir_name(name).c_str());
    write_all(fd.get(), to_local(octets));
    const timespec times[2] = {{message.internal_date, 0}, {message.internal_date, 0}};
    if (futimens(fd.get(), times) != 0) throw SystemError(errno, "futimens");
    sync_data(fd.get());
  }

  Mailbox& mailbox_;
  int directory_;
  Folder folder_;
  Exported& result_;
  Fd cur_;
  std::map<Uid, std::string> uidls_;
};

void write_subscriptions(Mailbox& mailbox, int root) {
  std::string text;
  for (const std::string& name : value_of(mailbox.subscriptions()))
    text += (name == "INBOX" ? name : directory_of_folder(name).substr(1)) + "\n";
  write_file(root, "subscriptions", text);
}

}  // namespace

Result<Exported> export_maildir(Mailbox& mailbox, const std::string& path) {
  return guarded([&] {
    Exported result;
    if (mkdir(path.c_str(), 0700) != 0) throw SystemError(errno, path);
    const Fd root = open_root(path);
    for (const ListEntry& entry : value_of(mailbox.list())) {
      if (entry.folder == 0) continue;
      Folder folder = value_of(mailbox.folder(entry.folder));
      if (folder.id == kInbox) {
        MaildirExport{mailbox, root, std::move(folder), result}.run();
      } else {
        const Fd directory = make_directory(root.get(), directory_of_folder(folder.name).c_str());
        write_file(directory.get(), "maildirfolder", "");
        MaildirExport{mailbox, directory, std::move(folder), result}.run();
      }
    }
    write_subscriptions(mailbox, root.get());
    sync_directory(root.get());
    return result;
  });
}

Result<Exported> export_mbox(Mailbox& mailbox, const std::string& name, int fd) {
  return guarded([&] {
    Exported result{.folders = 1};
    const Folder folder = value_of(mailbox.folder(value_of(mailbox.find(name))));
    const auto uidls = uidls_of(mailbox, folder.id);
    bool first = true;
    for_each_message(mailbox, folder, result, [&](const Message& message, std::string_view octets) {
      MboxMessage out{.content = std::string{octets},
                      .date = message.internal_date,
                      .flags = message.flags,
                      .uid = message.uid};
      for_keywords(folder, message.keywords,
                   [&](std::size_t bit) { out.keywords.push_back(folder.keywords[bit]); });
      if (const auto uidl = uidls.find(message.uid); uidl != uidls.end()) out.uidl = uidl->second;
      if (first) {
        out.uid_validity = folder.uid_validity;
        out.last_uid = folder.uid_next - 1;
      }
      first = false;
      write_all(fd, format_mbox_message(out));
    });
    return result;
  });
}

}  // namespace mailroom::mailbox
