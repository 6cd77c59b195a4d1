// Messages in an mbox file (mboxrd: RFC 4155, and ">From " quoted reversibly), with what servers keep of them
// in header fields: Status, X-Status, X-Keywords, X-UID, X-UIDL, X-IMAP and X-IMAPbase.  Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spool/mailbox/types.h"

namespace mailroom::mailbox {

struct MboxMessage {
  std::string content;  // wire form, without the fields above
  std::int64_t date = 0;
  Flags flags = 0;
  std::vector<std::string> keywords;
  std::optional<Uid> uid;
  std::string uidl;
  std::uint32_t uid_validity = 0;  // from X-IMAPbase of a folder's first message; else 0
  Uid last_uid = 0;                // the same
  bool is_folder_data = false;     // UW-IMAP's first "message", which is none (X-IMAP)
  bool operator==(const MboxMessage&) const = default;
};

// Finds the messages in a file that is handed over line by line.
class MboxParser {
 public:
  // A line without its LF.  Gives the message that ended before it.
  std::optional<MboxMessage> add_line(std::string_view line);
  // At the end of the file.
  std::optional<MboxMessage> finish();
  // True when the first line that was not empty did not begin a message.
  bool is_no_mbox() const { return no_mbox_; }
  // Octets of the message that is being put together.
  std::size_t pending() const { return raw_.size(); }

 private:
  std::string raw_;  // the message so far, LF
  std::int64_t date_ = 0;
  bool in_message_ = false;
  bool after_blank_ = true;
  bool no_mbox_ = false;
};

// "From sender Thu Nov 24 18:22:48 1986", with or without seconds and zone name (read as UTC): the date.
std::optional<std::int64_t> parse_from_line(std::string_view line);

// What parse_from_line and the parser read back: from-line, fields and quoted content, LF, and an empty line.
std::string format_mbox_message(const MboxMessage& message);

}  // namespace mailroom::mailbox
