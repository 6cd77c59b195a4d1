#include "libcommon/protocol/imap/arguments.h"

#include <algorithm>
#include <array>

#include "libcommon/protocol/imap/date.h"
#include "libcommon/protocol/imap/limits.h"
#include "libcommon/protocol/imap/mailbox_name.h"
#include "libcommon/text/ascii.h"

namespace mailroom::imap {
namespace {

struct FlagName {
  std::string_view name;
  SystemFlag flag;
};
constexpr std::array<FlagName, 5> kFlagNames{{
    {"Answered", kAnswered},
    {"Flagged", kFlagged},
    {"Deleted", kDeleted},
    {"Seen", kSeen},
    {"Draft", kDraft},
}};

struct StatusName {
  std::string_view name;
  StatusItem item;
};
constexpr std::array<StatusName, 7> kStatusNames{{
    {"MESSAGES", kStatusMessages},
    {"RECENT", kStatusRecent},
    {"UIDNEXT", kStatusUidNext},
    {"UIDVALIDITY", kStatusUidValidity},
    {"UNSEEN", kStatusUnseen},
    {"HIGHESTMODSEQ", kStatusHighestModSequence},
    {"APPENDLIMIT", kStatusAppendLimit},
}};

void parse_system_flag(Scanner& in, FlagList& flags) {
  const std::string_view name = in.atom();
  for (const FlagName& row : kFlagNames) {
    if (equals_ignoring_case(name, row.name)) {
      flags.system |= row.flag;
      return;
    }
  }
  in.fail(equals_ignoring_case(name, "Recent") ? "The server alone sets \\Recent" : "Unknown system flag");
}

void parse_flag(Scanner& in, FlagList& flags) {
  if (in.skip('\\')) {
    parse_system_flag(in, flags);
    return;
  }
  const std::string_view keyword = in.atom();
  if (keyword.size() > kMaxKeyword) in.fail("A keyword is too long", SyntaxError::Kind::limit);
  if (flags.keywords.size() == kMaxFlags) in.fail("Too many keywords", SyntaxError::Kind::limit);
  const auto same = [&](const std::string& other) { return equals_ignoring_case(other, keyword); };
  if (!in.ok() || std::any_of(flags.keywords.begin(), flags.keywords.end(), same)) return;
  flags.keywords.emplace_back(keyword);
}

// Flags with a space between them, to whatever follows the last.
void parse_flags(Scanner& in, FlagList& flags) {
  do parse_flag(in, flags);
  while (in.skip(' '));
}

FlagList parse_flag_list(Scanner& in) {
  FlagList flags;
  in.expect('(');
  if (in.skip(')')) return flags;
  parse_flags(in, flags);
  in.expect(')');
  return flags;
}

StoreRequest::Mode parse_store_mode(Scanner& in) {
  if (in.skip('+')) return StoreRequest::Mode::add;
  if (in.skip('-')) return StoreRequest::Mode::remove;
  return StoreRequest::Mode::replace;
}

}  // namespace

CommandHead parse_head(Scanner& in) {
  CommandHead head;
  head.tag = in.tag();
  if (head.tag.size() > kMaxTag) {
    in.fail("The tag is too long");
    head.tag.clear();
  }
  in.space();
  head.name = upper_case(in.word());
  if (head.name == "UID") {
    in.space();
    head.name += ' ';
    head.name += upper_case(in.word());
  }
  return head;
}

std::string tag_of(std::string_view text) {
  Scanner in{text};
  const std::string_view tag = in.tag();
  return tag.empty() || tag.size() > kMaxTag ? "*" : std::string{tag};
}

bool is_http_request(std::string_view line) {
  constexpr std::array<std::string_view, 9> kMethods{"GET ",     "HEAD ",    "POST ",  "PUT ",  "DELETE ",
                                                     "CONNECT ", "OPTIONS ", "TRACE ", "PATCH "};
  return std::any_of(kMethods.begin(), kMethods.end(), [line](std::string_view method) {
    return line.starts_with(method) && line.size() > method.size() &&
           (line[method.size()] == '/' || line.find(" HTTP/") != std::string_view::npos);
  });
}

LoginArguments parse_login(Scanner& in) {
  LoginArguments login;
  login.user = in.astring(kMaxPreauthLiteral);
  in.space();
  login.password = in.astring(kMaxPreauthLiteral);
  in.end();
  return login;
}

AuthenticateArguments parse_authenticate(Scanner& in) {
  AuthenticateArguments arguments;
  arguments.mechanism = upper_case(in.word());
  if (in.skip(' ')) {
    if (in.at_end()) in.fail("An initial response was expected");
    const std::string_view rest = in.rest();
    const bool plain =
        std::all_of(rest.begin(), rest.end(), [](char c) { return is_visible(c) && c != '{'; });
    if (!plain) in.fail("An initial response is one word of base64");
    arguments.initial_response = in.ok() ? std::string{rest} : std::string{};
    return arguments;
  }
  in.end();
  return arguments;
}

IdArguments parse_id(Scanner& in) {
  IdArguments id;
  if (in.skip_word("NIL")) {
    in.end();
    return id;
  }
  in.expect('(');
  while (in.ok() && !in.skip(')')) {
    if (!id.fields.empty()) in.space();
    std::string field = in.string(kMaxIdString);
    in.space();
    std::optional<std::string> value = in.nstring(kMaxIdString);
    if (id.fields.size() * 2 == kMaxIdStrings) in.fail("Too many fields in ID", SyntaxError::Kind::limit);
    if (in.ok()) id.fields.emplace_back(std::move(field), std::move(value).value_or(""));
  }
  in.end();
  return id;
}

std::vector<std::string> parse_enable(Scanner& in) {
  std::vector<std::string> names;
  do {
    if (names.size() == kMaxEnable) in.fail("Too many capabilities", SyntaxError::Kind::limit);
    names.push_back(upper_case(in.atom()));
  } while (in.skip(' '));
  in.end();
  return names;
}

SelectArguments parse_select(Scanner& in) {
  SelectArguments arguments;
  arguments.mailbox = parse_mailbox(in);
  if (in.skip(' ')) {
    in.expect('(');
    if (!in.skip_word("CONDSTORE")) in.fail("Unknown parameter of SELECT");
    in.expect(')');
    arguments.condstore = Condstore::on;
  }
  in.end();
  return arguments;
}

std::string parse_one_mailbox(Scanner& in) {
  std::string name = parse_mailbox(in);
  in.end();
  return name;
}

CreateArguments parse_create(Scanner& in) {
  CreateArguments arguments;
  arguments.mailbox = parse_mailbox(in);
  if (in.skip(' ')) {
    in.expect('(');
    if (!in.skip_word("USE")) in.fail("Unknown parameter of CREATE");
    in.space();
    in.expect('(');
    while (in.ok() && !in.skip(')')) {
      if (!arguments.uses.empty()) in.space();
      in.expect('\\');
      if (arguments.uses.size() == kMaxFlags) in.fail("Too many uses", SyntaxError::Kind::limit);
      arguments.uses.push_back('\\' + lower_case(in.atom()));
    }
    in.expect(')');
  }
  in.end();
  return arguments;
}

RenameArguments parse_rename(Scanner& in) {
  RenameArguments arguments;
  arguments.from = parse_mailbox(in);
  in.space();
  arguments.to = parse_mailbox(in);
  in.end();
  return arguments;
}

ListArguments parse_list(Scanner& in) {
  ListArguments arguments;
  arguments.reference = in.astring(kMaxMailboxName);
  in.space();
  arguments.pattern = in.list_mailbox(kMaxListPattern);
  in.end();
  return arguments;
}

StatusArguments parse_status(Scanner& in) {
  StatusArguments arguments;
  arguments.mailbox = parse_mailbox(in);
  in.space();
  in.expect('(');
  std::size_t count = 0;
  do {
    const std::string_view name = in.word();
    const auto* const row = std::find_if(kStatusNames.begin(), kStatusNames.end(), [&](const StatusName& r) {
      return equals_ignoring_case(r.name, name);
    });
    if (row == kStatusNames.end()) {
      in.fail("Unknown data item of STATUS");
    } else {
      arguments.items |= row->item;
    }
    if (++count > kMaxStatusItems) in.fail("Too many data items", SyntaxError::Kind::limit);
  } while (in.skip(' '));
  in.expect(')');
  in.end();
  return arguments;
}

AppendArguments parse_append(Scanner& in) {
  AppendArguments arguments;
  arguments.mailbox = parse_mailbox(in);
  in.space();
  if (in.peek() == '(') {
    arguments.flags = parse_flag_list(in);
    in.space();
  }
  if (in.peek() == '"') {
    arguments.date = parse_date_time(in);
    in.space();
  }
  return arguments;
}

StoreRequest parse_store(Scanner& in) {
  StoreRequest request;
  request.set = SequenceSet::parse(in);
  in.space();
  if (in.skip('(')) {
    if (!in.skip_word("UNCHANGEDSINCE")) in.fail("Unknown modifier of STORE");
    in.space();
    request.unchanged_since = in.mod_sequence();
    in.expect(')');
    in.space();
  }
  request.mode = parse_store_mode(in);
  const std::string item = upper_case(in.word());
  request.silent = item == "FLAGS.SILENT";
  if (!request.silent && item != "FLAGS") in.fail("STORE changes FLAGS");
  in.space();
  if (in.peek() == '(') {
    request.flags = parse_flag_list(in);
  } else {
    parse_flags(in, request.flags);
  }
  in.end();
  return request;
}

CopyArguments parse_copy(Scanner& in) {
  CopyArguments arguments;
  arguments.set = SequenceSet::parse(in);
  in.space();
  arguments.mailbox = parse_mailbox(in);
  in.end();
  return arguments;
}

SequenceSet parse_uid_expunge(Scanner& in) {
  SequenceSet set = SequenceSet::parse(in);
  in.end();
  return set;
}

}  // namespace mailroom::imap
