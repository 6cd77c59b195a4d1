// What the verbs of a session work on.
#pragma once

#include <optional>
#include <string>

#include "daemons/imapd/command_reader.h"
#include "daemons/imapd/output.h"
#include "daemons/imapd/reply.h"
#include "daemons/imapd/selected.h"
#include "daemons/imapd/session.h"
#include "libcommon/sys/line_reader.h"

namespace mailroom::imapd {

struct Context {
  LineReader& input;
  Output& output;
  CommandReader& commands;
  mailbox::Mailbox& mail;
  Wait& wait;
  const SessionFacts& facts;

  std::optional<Selected> selected;
  ModSequences mod_sequences = ModSequences::hidden;  // shown once the client uses CONDSTORE
  std::optional<imap::LiteralHeader> pending;         // APPEND's message, announced and not invited
  bool over = false;

  // The answer to a failure of the store, which is reported where an operator should know.
  Reply failed(const mailbox::Failure& failure);

  // For a folder that new mail comes to: takes it in, so that it can be noticed.
  void take_in(mailbox::FolderId folder);

  // Has the index keep what FETCH wants of a new message, so that no FETCH needs to open its file for that.
  void summarise(mailbox::FolderId folder, mailbox::UidRange range);

  // Tells the client what has changed in the selected mailbox.  A mailbox that is gone ends the session.
  void tell_changes(Expunges expunges);

  // Ends the session with a BYE.
  void end_with(std::string_view bye);
};

}  // namespace mailroom::imapd
