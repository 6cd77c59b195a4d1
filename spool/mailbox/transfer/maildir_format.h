// Names and index files of Maildir and Maildir++ as Dovecot writes them.  Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spool/mailbox/types.h"

namespace mailroom::mailbox {

// "1700000000.M1P2.host,S=10:2,FSa"
struct MaildirName {
  std::string base;  // up to ":2,"
  Flags flags = 0;
  std::string letters;  // a to z: Dovecot's keywords, by their position in dovecot-keywords
  bool operator==(const MaildirName&) const = default;
};
MaildirName parse_maildir_name(std::string_view name);
std::string format_maildir_name(const MaildirName& name);

// dovecot-uidlist, versions 1 and 3.
struct UidListEntry {
  Uid uid = 0;
  std::string uidl;  // P; empty when Dovecot computes it from its pop3_uidl_format
};
struct UidList {
  std::uint32_t uid_validity = 0;
  Uid uid_next = 0;
  std::map<std::string, UidListEntry, std::less<>> entries;  // by base
};
// Nothing when the first line is not one of these versions; lines that are not understood are passed over.
std::optional<UidList> parse_uid_list(std::string_view text);
std::string format_uid_list(const UidList& list);

// dovecot-keywords: the keyword of each letter.
std::map<char, std::string> parse_keywords(std::string_view text);
std::string format_keywords(const std::map<char, std::string>& keywords);

// ".Work.&AOk-t&AOk-" and "Work/été": levels between dots, in modified UTF-7 (RFC 3501 5.1.3); a dot within a
// level has no other form and becomes "_".  Nothing when the directory is no subfolder.
std::optional<std::string> folder_of_directory(std::string_view directory);
std::string directory_of_folder(std::string_view folder);

}  // namespace mailroom::mailbox
