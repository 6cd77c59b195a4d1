#include "daemons/pop3d/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "daemons/dialogue/dialogue.h"
#include "daemons/log.h"
#include "daemons/pop3d/capabilities.h"
#include "libcommon/protocol/pop3/bounds.h"
#include "libcommon/protocol/pop3/command.h"
#include "libcommon/protocol/pop3/multi_line.h"
#include "libcommon/protocol/pop3/response.h"

namespace mailroom::pop3d {
namespace {

using pop3::Verb;

constexpr std::size_t kPortion = 64 * 1024;  // of a message, in one write

class Session {
 public:
  Session(Stream& client, Maildrop& maildrop, const SessionFacts& facts, Clock& clock)
      : facts_{facts}, maildrop_{maildrop}, dialogue_{client, clock, facts.idle_timeout,
                                                      Dialogue::Time::max()} {
    dialogue_.preload(facts.pre_read);
  }

  void run();
  void log_summary() const;

 private:
  struct Row {
    Verb verb;
    void (Session::*handle)(std::string_view argument);
  };
  static const Row kRows[];

  bool open();
  void serve_command();
  void dispatch(std::string_view line);
  void capa(std::string_view argument);
  void dele(std::string_view argument);
  void list(std::string_view argument);
  void noop(std::string_view argument);
  void quit(std::string_view argument);
  void retr(std::string_view argument);
  void rset(std::string_view argument);
  void stat(std::string_view argument);
  void top(std::string_view argument);
  void uidl(std::string_view argument);

  // The index of a message that is there; otherwise the client has been told.
  std::optional<std::size_t> find(std::optional<std::uint32_t> number);
  std::optional<std::string_view> open_content(std::size_t index);
  template <typename Describe>
  void scan(std::string_view argument, Describe describe);
  void send(std::string_view message);
  void ok(std::string_view text) { pop3::append_ok(dialogue_.out(), text); }
  void refuse(std::string_view code, std::string_view text) {
    pop3::append_error(dialogue_.out(), code, text);
  }
  void refuse_fault(MaildropFault fault);
  void refuse_syntax(std::string_view text);
  void leave_with(std::string_view text);
  const std::vector<MaildropMessage>& messages() const { return maildrop_.messages(); }
  std::vector<std::size_t> deleted_indexes() const;

  const SessionFacts& facts_;
  Maildrop& maildrop_;
  Dialogue dialogue_;
  std::vector<bool> deleted_;  // by index
  bool ended_ = false;
  unsigned errors_ = 0;
  std::uint64_t retrieved_ = 0;
  std::uint64_t removed_ = 0;
  std::uint64_t octets_ = 0;  // of the messages sent
};

constexpr Session::Row Session::kRows[] = {
    {Verb::capa, &Session::capa}, {Verb::dele, &Session::dele}, {Verb::list, &Session::list},
    {Verb::noop, &Session::noop}, {Verb::quit, &Session::quit}, {Verb::retr, &Session::retr},
    {Verb::rset, &Session::rset}, {Verb::stat, &Session::stat}, {Verb::top, &Session::top},
    {Verb::uidl, &Session::uidl},
};

void Session::run() {
  if (open()) {
    while (!ended_) serve_command();
  }
  dialogue_.flush();
}

bool Session::open() {
  if (const auto opened = maildrop_.open(); !opened) {
    refuse_fault(opened.error());
    return false;
  }
  deleted_.assign(messages().size(), false);
  ok(fmt::format("{} messages{}{}", messages().size(), facts_.notice.empty() ? "" : ". ", facts_.notice));
  return true;
}

void Session::serve_command() {
  const auto line = dialogue_.read_line(pop3::kMaxCommandLine);
  if (!line) {
    refuse_syntax("Line too long");
  } else {
    dispatch(*line);
  }
  dialogue_.flush_if_large();
  if (errors_ >= facts_.max_errors && !ended_)
    leave_with("Too many errors; correct them before you connect again");
}

void Session::dispatch(std::string_view line) {
  const auto command = pop3::split_command_line(line);
  if (!command) return leave_with("A line must end in CRLF and have no other CR, LF or NUL");
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const Row& each) { return each.verb == command->verb; });
  if (row == std::end(kRows)) return refuse_syntax("Not a command after login; see CAPA");
  (this->*row->handle)(command->argument);
}

void Session::capa(std::string_view) {
  ok("Capabilities:");
  dialogue_.out() += capabilities_after_login();
}

void Session::noop(std::string_view) { ok(""); }

void Session::rset(std::string_view) {
  deleted_.assign(messages().size(), false);
  ok("No message is marked for removal");
}

void Session::stat(std::string_view) {
  std::size_t count = 0;
  std::uint64_t octets = 0;
  for (std::size_t i = 0; i < messages().size(); ++i) {
    if (deleted_[i]) continue;
    ++count;
    octets += messages()[i].octets;
  }
  ok(fmt::format("{} {}", count, octets));
}

void Session::list(std::string_view argument) {
  scan(argument, [](const MaildropMessage& message) { return message.octets; });
}

void Session::uidl(std::string_view argument) {
  scan(argument, [](const MaildropMessage& message) -> std::string_view { return message.uidl; });
}

// LIST and UIDL: a fact of one message, or of all that are not marked.
template <typename Describe>
void Session::scan(std::string_view argument, Describe describe) {
  if (!argument.empty()) {
    if (const auto index = find(pop3::parse_message_number(argument))) {
      ok(fmt::format("{} {}", *index + 1, describe(messages()[*index])));
    }
    return;
  }
  ok("");
  for (std::size_t i = 0; i < messages().size(); ++i) {
    if (deleted_[i]) continue;
    fmt::format_to(std::back_inserter(dialogue_.out()), "{} {}\r\n", i + 1, describe(messages()[i]));
    dialogue_.flush_if_large();
  }
  dialogue_.out() += ".\r\n";
}

void Session::retr(std::string_view argument) {
  const auto index = find(pop3::parse_message_number(argument));
  if (!index) return;
  const auto content = open_content(*index);
  if (!content) return;
  ok(fmt::format("{} octets", content->size()));
  send(*content);
  ++retrieved_;
  octets_ += content->size();
}

void Session::top(std::string_view argument) {
  const auto arguments = pop3::parse_top(argument);
  if (!arguments) return refuse_syntax("Syntax: TOP message lines");
  const auto index = find(arguments->message);
  if (!index) return;
  const auto content = open_content(*index);
  if (!content) return;
  ok("");
  send(content->substr(0, pop3::top_length(*content, arguments->lines)));
}

void Session::dele(std::string_view argument) {
  const auto index = find(pop3::parse_message_number(argument));
  if (!index) return;
  deleted_[*index] = true;
  ok(fmt::format("Message {} is removed at QUIT", *index + 1));
}

void Session::quit(std::string_view) {
  ended_ = true;
  const std::vector<std::size_t> indexes = deleted_indexes();
  if (!indexes.empty()) {
    if (const auto removed = maildrop_.remove(indexes); !removed) return refuse_fault(removed.error());
  }
  removed_ = indexes.size();
  ok(fmt::format("Bye, {} messages removed", removed_));
}

std::optional<std::size_t> Session::find(std::optional<std::uint32_t> number) {
  if (!number) {
    refuse_syntax("Give the number of a message");
  } else if (*number > messages().size()) {
    refuse({}, "No such message");
  } else if (deleted_[*number - 1]) {
    refuse({}, "That message is marked for removal");
  } else {
    return *number - 1;
  }
  return std::nullopt;
}

std::optional<std::string_view> Session::open_content(std::size_t index) {
  const auto content = maildrop_.content(index);
  if (content) return *content;
  refuse_fault(content.error());
  return std::nullopt;
}

void Session::send(std::string_view message) {
  pop3::DotStuffer stuffer{message};
  while (!stuffer.is_done()) {
    stuffer.append_some(dialogue_.out(), kPortion);
    dialogue_.flush_if_large();
  }
}

void Session::refuse_fault(MaildropFault fault) {
  switch (fault) {
  case MaildropFault::in_use:
    return refuse("IN-USE", "Another POP3 session has your mail; wait for its end");
  case MaildropFault::temporary:
    return refuse("SYS/TEMP", "Your mail cannot be read or changed now; try again later");
  case MaildropFault::permanent:
    return refuse("SYS/PERM", "Your mail is damaged; tell your postmaster");
  case MaildropFault::gone:
    return refuse({}, "That message was removed by another session");
  }
}

void Session::refuse_syntax(std::string_view text) {
  ++errors_;
  refuse({}, text);
}

void Session::leave_with(std::string_view text) {
  ended_ = true;
  log::write("protocol-error", {{"session", log::Id{facts_.connection}}, {"reason", text}});
  refuse({}, text);
  dialogue_.flush_farewell();
}

std::vector<std::size_t> Session::deleted_indexes() const {
  std::vector<std::size_t> indexes;
  for (std::size_t i = 0; i < deleted_.size(); ++i) {
    if (deleted_[i]) indexes.push_back(i);
  }
  return indexes;
}

void Session::log_summary() const {
  log::write("mailbox-summary", {{"session", log::Id{facts_.connection}},
                                 {"account", facts_.account},
                                 {"retrieved", retrieved_},
                                 {"removed", removed_},
                                 {"octets", octets_}});
}

}  // namespace

void run_session(Stream& client, Maildrop& maildrop, const SessionFacts& facts, Clock& clock) {
  Session session{client, maildrop, facts, clock};
  try {
    session.run();
  } catch (const StreamError&) {
    session.log_summary();
    throw;
  }
  session.log_summary();
}

}  // namespace mailroom::pop3d
