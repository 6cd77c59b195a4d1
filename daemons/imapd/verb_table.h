// The commands of a session: name, states in which they are legal, what may be told meanwhile, function.
#pragma once

#include <string_view>

#include "daemons/imapd/context.h"
#include "libcommon/protocol/imap/scanner.h"

namespace mailroom::imapd {

// What of other sessions' changes is told before the tagged answer.
enum class Tells {
  nothing,     // SELECT: the client is just reading how the mailbox is
  no_expunge,  // while message numbers must hold (RFC 3501 section 7.4.1)
  all,
};

enum class States {
  none,  // only before login
  any,
  selected,  // needs a selected mailbox
};

// Reads the arguments, has the effect, writes untagged responses, and gives the tagged one.  `in` stands
// before the space that precedes the arguments, or at the end.
using RunVerb = Reply (*)(Context& context, imap::Scanner& in);

struct Verb {
  std::string_view name;
  States states;
  Tells tells;
  RunVerb run;
};

// `name` in upper case; null when there is no such command.
const Verb* find_verb(std::string_view name);

}  // namespace mailroom::imapd
