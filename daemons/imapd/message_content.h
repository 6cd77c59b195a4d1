// What lies behind one row of the index, loaded when it is first asked for: the summary opens no file, the
// octets do.
#pragma once

#include <optional>
#include <string_view>

#include "libcommon/protocol/mime/message.h"
#include "spool/mailbox/mailbox.h"

namespace mailroom::imapd {

class MessageContent {
 public:
  MessageContent(mailbox::Mailbox& mail, mailbox::FileId file) : mail_{&mail}, file_id_{file} {}

  // Envelope and structure, from the index.
  mailbox::Result<const mime::Message*> structure();
  // The whole message.  Valid as long as this object.
  mailbox::Result<std::string_view> bytes();

 private:
  mailbox::Mailbox* mail_;
  mailbox::FileId file_id_;
  std::optional<mime::Message> structure_;
  std::optional<mailbox::MessageFile> file_;
};

}  // namespace mailroom::imapd
