// The reference and pattern of LIST and LSUB against mailbox names.
#pragma once

#include <optional>
#include <string_view>

#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/list_pattern.h"

namespace mailroom::imapd {

class NameMatcher {
 public:
  // Nothing when no name can match: the pattern is no modified UTF-7, or too long.
  static std::optional<NameMatcher> make(const imap::ListArguments& arguments);

  // INBOX matches in any case (RFC 3501 section 6.3.8), and so do the names below it.
  bool matches(std::string_view name) const;

 private:
  explicit NameMatcher(const std::string& pattern);
  imap::ListPattern pattern_;
  imap::ListPattern inbox_pattern_;  // with a first level that is INBOX in capitals
};

}  // namespace mailroom::imapd
