#include "daemons/imapd/name_matcher.h"

#include "libcommon/protocol/imap/limits.h"
#include "libcommon/protocol/imap/mailbox_name.h"
#include "libcommon/text/ascii.h"
#include "spool/mailbox/types.h"

namespace mailroom::imapd {
namespace {

constexpr std::string_view kInbox = "INBOX";

bool is_inbox_or_below(std::string_view name) {
  return name.starts_with(kInbox) &&
         (name.size() == kInbox.size() || name[kInbox.size()] == mailbox::kDelimiter);
}

// Letters of the first level in capitals: "in%" becomes "IN%".
std::string with_capital_inbox(const std::string& pattern) {
  const std::size_t level = std::min(pattern.find(mailbox::kDelimiter), pattern.size());
  return upper_case(pattern.substr(0, level)) + pattern.substr(level);
}

}  // namespace

std::optional<NameMatcher> NameMatcher::make(const imap::ListArguments& arguments) {
  const auto pattern = imap::decode_mailbox_name(arguments.reference + arguments.pattern);
  if (!pattern || pattern->size() > imap::kMaxListPattern) return std::nullopt;
  return NameMatcher{*pattern};
}

NameMatcher::NameMatcher(const std::string& pattern)
    : pattern_{pattern, mailbox::kDelimiter}, inbox_pattern_{with_capital_inbox(pattern),
                                                             mailbox::kDelimiter} {}

bool NameMatcher::matches(std::string_view name) const {
  return is_inbox_or_below(name) ? inbox_pattern_.matches(name) : pattern_.matches(name);
}

}  // namespace mailroom::imapd
