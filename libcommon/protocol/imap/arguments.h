// The arguments of the commands that have no grammar file of their own (RFC 3501 section 6 and its
// extensions).
//
// Each function reads what follows the command's name and the space after it, to the end of the command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/protocol/imap/scanner.h"
#include "libcommon/protocol/imap/sequence_set.h"

namespace mailroom::imap {

// "tag SP name", the name in upper case and as one word pair for the UID commands ("UID FETCH"); the scanner
// then stands at the end or before the space which precedes the arguments.
struct CommandHead {
  std::string tag;
  std::string name;
};
CommandHead parse_head(Scanner& in);

// The tag with which a text starts that need not be a whole command; "*" when there is none.
std::string tag_of(std::string_view text);

// A line of HTTP: a browser was made to speak to this port (SECURITY.md V15).
bool is_http_request(std::string_view line);

struct LoginArguments {
  std::string user;
  std::string password;
};
LoginArguments parse_login(Scanner& in);

struct AuthenticateArguments {
  std::string mechanism;                        // in upper case
  std::optional<std::string> initial_response;  // still base64; "=" stands for an empty one (RFC 4959)
};
AuthenticateArguments parse_authenticate(Scanner& in);

// RFC 2971; the values are checked and counted, no more: nothing here acts on them.
struct IdArguments {
  std::vector<std::pair<std::string, std::string>> fields;
};
IdArguments parse_id(Scanner& in);

// Names in upper case (RFC 5161).
std::vector<std::string> parse_enable(Scanner& in);

enum class Condstore : bool { off, on };
struct SelectArguments {
  std::string mailbox;
  Condstore condstore = Condstore::off;
};
SelectArguments parse_select(Scanner& in);

// The one mailbox of DELETE, SUBSCRIBE, UNSUBSCRIBE.
std::string parse_one_mailbox(Scanner& in);

// CREATE with the USE parameter of RFC 6154: attributes in lower case with their backslash.
struct CreateArguments {
  std::string mailbox;
  std::vector<std::string> uses;
};
CreateArguments parse_create(Scanner& in);

struct RenameArguments {
  std::string from;
  std::string to;
};
RenameArguments parse_rename(Scanner& in);

// As written, still in modified UTF-7.
struct ListArguments {
  std::string reference;
  std::string pattern;
};
ListArguments parse_list(Scanner& in);

enum StatusItem : std::uint32_t {
  kStatusMessages = 1,
  kStatusRecent = 2,
  kStatusUidNext = 4,
  kStatusUidValidity = 8,
  kStatusUnseen = 16,
  kStatusHighestModSequence = 32,
  kStatusAppendLimit = 64,  // RFC 7889
};
struct StatusArguments {
  std::string mailbox;
  std::uint32_t items = 0;  // of StatusItem
};
StatusArguments parse_status(Scanner& in);

// System flags as bits, keywords as written.
enum SystemFlag : std::uint8_t {
  kAnswered = 1,
  kFlagged = 2,
  kDeleted = 4,
  kSeen = 8,
  kDraft = 16,
};
struct FlagList {
  std::uint8_t system = 0;  // of SystemFlag
  std::vector<std::string> keywords;
};

// What precedes the message of an APPEND.  `flags` and `date` where given; the scanner then stands at the
// literal.
struct AppendArguments {
  std::string mailbox;
  FlagList flags;
  std::optional<std::int64_t> date;  // seconds since 1970
};
AppendArguments parse_append(Scanner& in);

struct StoreRequest {
  enum class Mode { replace, add, remove };
  SequenceSet set;
  Mode mode = Mode::replace;
  bool silent = false;
  FlagList flags;
  std::optional<std::uint64_t> unchanged_since;
};
StoreRequest parse_store(Scanner& in);

struct CopyArguments {
  SequenceSet set;
  std::string mailbox;
};
CopyArguments parse_copy(Scanner& in);

// UID EXPUNGE (RFC 4315).
SequenceSet parse_uid_expunge(Scanner& in);

}  // namespace mailroom::imap
