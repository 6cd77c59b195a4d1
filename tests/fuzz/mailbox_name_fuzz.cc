// File and folder names, Maildir names and index files, keywords, UIDLs: what is accepted reads back as
// itself.
#include <cstdint>
#include <cstdlib>

#include "spool/mailbox/file_name.h"
#include "spool/mailbox/folder_name.h"
#include "spool/mailbox/transfer/maildir_format.h"
#include "spool/mailbox/uidl.h"

using namespace mailroom::mailbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto name = parse_file_name(text); name && format_file_name(*name) != text) std::abort();
  if (const auto name = canonical_folder_name(text)) {
    if (canonical_folder_name(*name) != name) std::abort();
    if (folder_of_directory(directory_of_folder(*name)).value_or("").empty() &&
        name->find('.') == std::string::npos)
      std::abort();
  }
  if (const auto list = parse_uid_list(text)) static_cast<void>(parse_uid_list(format_uid_list(*list)));
  const auto maildir = parse_maildir_name(text);
  if (parse_maildir_name(format_maildir_name(maildir)).flags != maildir.flags) std::abort();
  const auto keywords = parse_keywords(text);
  if (parse_keywords(format_keywords(keywords)).size() != keywords.size()) std::abort();
  static_cast<void>(folder_of_directory(text));
  static_cast<void>(is_keyword(text));
  static_cast<void>(is_importable_uidl(text, 1));
  return 0;
}
