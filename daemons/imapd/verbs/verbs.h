// The functions of the verb table, one file for each command (those with a UID form: for each pair).
#pragma once

#include "daemons/imapd/verb_table.h"

namespace mailroom::imapd::verbs {

Reply append(Context& context, imap::Scanner& in);
Reply capability(Context& context, imap::Scanner& in);
Reply check(Context& context, imap::Scanner& in);
Reply close(Context& context, imap::Scanner& in);
Reply copy(Context& context, imap::Scanner& in);
Reply create(Context& context, imap::Scanner& in);
Reply remove(Context& context, imap::Scanner& in);  // DELETE
Reply enable(Context& context, imap::Scanner& in);
Reply examine(Context& context, imap::Scanner& in);
Reply expunge(Context& context, imap::Scanner& in);
Reply fetch(Context& context, imap::Scanner& in);
Reply id(Context& context, imap::Scanner& in);
Reply idle(Context& context, imap::Scanner& in);
Reply list(Context& context, imap::Scanner& in);
Reply logout(Context& context, imap::Scanner& in);
Reply lsub(Context& context, imap::Scanner& in);
Reply move(Context& context, imap::Scanner& in);
Reply namespaces(Context& context, imap::Scanner& in);
Reply noop(Context& context, imap::Scanner& in);
Reply rename(Context& context, imap::Scanner& in);
Reply search(Context& context, imap::Scanner& in);
Reply select(Context& context, imap::Scanner& in);
Reply status(Context& context, imap::Scanner& in);
Reply store(Context& context, imap::Scanner& in);
Reply subscribe(Context& context, imap::Scanner& in);
Reply uid_copy(Context& context, imap::Scanner& in);
Reply uid_expunge(Context& context, imap::Scanner& in);
Reply uid_fetch(Context& context, imap::Scanner& in);
Reply uid_move(Context& context, imap::Scanner& in);
Reply uid_search(Context& context, imap::Scanner& in);
Reply uid_store(Context& context, imap::Scanner& in);
Reply unselect(Context& context, imap::Scanner& in);
Reply unsubscribe(Context& context, imap::Scanner& in);

}  // namespace mailroom::imapd::verbs
