#include "daemons/imapd/reply.h"

#include <fmt/format.h>

namespace mailroom::imapd {

std::string_view name_of(Reply::Status status) {
  switch (status) {
  case Reply::Status::ok:
    return "OK";
  case Reply::Status::no:
    return "NO";
  case Reply::Status::bad:
    return "BAD";
  }
  return "BAD";
}

Reply Reply::refused(const imap::SyntaxError& error) {
  switch (error.kind) {
  case imap::SyntaxError::Kind::bad:
    return bad(error.text);
  case imap::SyntaxError::Kind::limit:
    return no(fmt::format("[LIMIT] {}", error.text));
  case imap::SyntaxError::Kind::charset:
    return no(fmt::format("[BADCHARSET (US-ASCII UTF-8)] {}", error.text));
  case imap::SyntaxError::Kind::cannot:
    return no(fmt::format("[CANNOT] {}", error.text));
  }
  return bad(error.text);
}

Reply Reply::failed(const mailbox::Failure& failure) {
  using Code = mailbox::Failure::Code;
  switch (failure.code) {
  case Code::no_such_folder:
    return no("[NONEXISTENT] There is no such mailbox");
  case Code::folder_exists:
    return no("[ALREADYEXISTS] There is a mailbox of that name already");
  case Code::bad_name:
    return no("[CANNOT] A mailbox cannot have that name");
  case Code::not_allowed:
    return no("[CANNOT] That is not possible with this mailbox");
  case Code::no_such_message:
    return no("[EXPUNGEISSUED] Some of the messages do not exist any more");
  case Code::too_many_keywords:
    return no("[LIMIT] This mailbox has too many keywords, or one is too long");
  case Code::too_many_folders:
    return no("[LIMIT] There are too many mailboxes");
  case Code::no_space:
    return no("[OVERQUOTA] There is no room left, please delete some messages");
  case Code::damaged:
    return no("[CORRUPTION] A message is damaged, please tell your administrator");
  case Code::in_use:
    return no("[INUSE] Another program is using this mailbox, please try again later");
  case Code::corrupt_index:
    return no("[CORRUPTION] The mailbox is damaged, please tell your administrator");
  case Code::stale_index:
  case Code::failed:
    return no("[SERVERBUG] The mailbox could not be read or written, please try again later");
  }
  return no("[SERVERBUG] Internal error");
}

}  // namespace mailroom::imapd
