// Whole IMAP and POP3 sessions: commands over mailboxes that grow, what is delivered to them, and messages
// made to hurt that are put into one and looked at there (SECURITY.md V8 to V10).
#include <fcntl.h>
#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <stdexcept>

#include "daemons/log.h"
#include "daemons/pop3d/mailbox_maildrop.h"
#include "daemons/pop3d/session.h"
#include "spool/mailbox/checksum.h"
#include "spool/mailbox/file_name.h"
#include "tests/fuzz/octet_stream.h"
#include "tests/growth/measure.h"
#include "tests/unit/imapd/fakes.h"

namespace {

using namespace mailroom;
using growth::Generator;
using growth::Work;

// Keeps the end of what was written, not all of it.
class Commands : public OctetStream {
 public:
  using OctetStream::OctetStream;
  void write(std::string_view bytes) override {
    output.append(bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), 200)));
    if (output.size() > 400) output.erase(0, output.size() - 200);
  }
};

struct Account {
  // In memory, where there is such a file system: disks are not what is measured.
  TemporaryAccount directory{std::filesystem::exists("/dev/shm") ? "/dev/shm"
                                                                 : std::filesystem::temp_directory_path()};
  mailbox::Mailbox mail = directory.open();
};

// The session must have understood: its last answer is OK, or NO where a limit says so.
void run(Account& account, const std::string& commands) {
  Commands client{commands};
  ClientFirst wait;
  imapd::run_session(client, account.mail, wait, {.context = "in", .max_errors = 1000000});
  if (client.output.find("\r\nz OK ") == std::string::npos) throw std::runtime_error(client.output);
}

constexpr const char* kEnd = "z NOOP\r\n";

// ---- commands over n messages, in a mailbox that is made by doubling

std::shared_ptr<Account> account_of(std::size_t messages) {
  auto account = std::make_shared<Account>();
  append_message(account->mail, "INBOX", "Subject: Re: x\r\nTo: a@b\r\n\r\nsome text\r\n");
  for (std::uint32_t have = 1; have < messages; have = account->mail.folder(mailbox::kInbox)->exists) {
    mailbox::UidSet source;
    source.insert(
        mailbox::UidRange{1, std::min({have, static_cast<std::uint32_t>(messages) - have, 20000U})});
    if (!account->mail.copy(mailbox::kInbox, source, mailbox::kInbox)) throw std::runtime_error("copy");
  }
  return account;
}

Generator over_messages(std::string name, std::string command, std::size_t largest = 65536) {
  return {std::move(name), largest, [command](std::size_t n) -> Work {
            return [account = account_of(n), text = "a SELECT INBOX\r\nb " + command + "\r\n" + kEnd] {
              run(*account, text);
            };
          }};
}

std::string every_other(std::size_t most) {
  std::string set = "1";
  for (std::size_t i = 3; i <= most && set.size() < 60000; i += 2) set += fmt::format(",{}", i);
  return set;
}

std::string alternatives(std::size_t n) {
  std::string keys;
  for (std::size_t i = 0; i < n; ++i) keys += fmt::format("OR SUBJECT a{} ", i);
  return keys + "SUBJECT x";
}

// ---- POP3: a command for each of n messages

void run_pop3(Account& account, const std::string& commands) {
  Commands client{commands};
  SystemClock clock;
  pop3d::MailboxMaildrop maildrop{account.mail,
                                  [](const auto& failure) { throw std::runtime_error(failure.text); }};
  pop3d::run_session(client, maildrop, {.account = "growth"}, clock);
  if (client.output.find("-ERR") != std::string::npos || !client.output.ends_with("\r\n"))
    throw std::runtime_error(client.output);
}

Generator over_maildrop(std::string name, std::string_view command) {
  return {std::move(name), 16384, [command](std::size_t n) -> Work {
            std::string text;
            for (std::size_t i = 1; i <= n; ++i) text += fmt::format(fmt::runtime(command), i) + "\r\n";
            return [account = account_of(n), text = text + "QUIT\r\n"] { run_pop3(*account, text); };
          }};
}

// ---- n deliveries

void deliver(const Account& account, std::size_t n) {
  static std::size_t number = 0;  // no name comes twice
  constexpr std::string_view kContent = "Subject: x\r\n\r\nsome text\r\n";
  for (std::size_t i = 0; i < n; ++i) {
    const mailbox::FileName name{fmt::format("q{}.1", ++number), kContent.size(),
                                 mailbox::checksum(kContent)};
    std::ofstream{account.directory.path() / "new" / mailbox::format_file_name(name)} << kContent;
  }
}

void take_in(Account& account, std::size_t n) {
  std::size_t taken = 0;
  while (taken < n) {
    const auto intake = account.mail.take_in();
    if (!intake || intake->taken == 0) throw std::runtime_error("a delivery was not taken in");
    taken += intake->taken;
  }
}

// The mailbox is emptied after each, so that it begins with as much.
Generator deliveries(std::string name) {
  return {std::move(name), 8192, [](std::size_t n) -> Work {
            return [account = std::make_shared<Account>(), n] {
              deliver(*account, n);
              take_in(*account, n);
              run(*account,
                  std::string{
                      "a SELECT INBOX\r\nb FETCH 1:* (ENVELOPE)\r\nc STORE 1:* +FLAGS.SILENT (\\Deleted)\r\n"
                      "d EXPUNGE\r\n"} +
                      kEnd);
            };
          }};
}

// ---- one message that is made to hurt

Generator hostile(std::string name, std::size_t largest, std::string_view begin, std::string_view unit) {
  return {std::move(name), largest, [begin, unit](std::size_t n) -> Work {
            auto account = std::make_shared<Account>();
            std::string message{begin};
            for (std::size_t i = 0; i < n; ++i) message += unit;
            append_message(account->mail, "INBOX", message);
            return [account, text = fmt::format("a SELECT INBOX\r\n"
                                                "b FETCH 1 (ENVELOPE BODYSTRUCTURE BODY.PEEK[1.1.1.1.1.1] "
                                                "BODY.PEEK[HEADER.FIELDS (To X)])\r\n"
                                                "c SEARCH OR HEADER To nobody TEXT nothing\r\n{}",
                                                kEnd)] { run(*account, text); };
          }};
}

// ---- folders

Generator over_folders(std::string name, std::string command) {
  return {std::move(name), 4096, [command](std::size_t n) -> Work {
            auto account = std::make_shared<Account>();
            std::string create;
            for (std::size_t i = 0; i < n; ++i)
              create += fmt::format("a CREATE {}{}\r\n", std::string(60, 'a'), i);
            run(*account, create + kEnd);
            return [account, text = "b " + command + "\r\n" + kEnd] { run(*account, text); };
          }};
}

// A command with more and more in it, over a mailbox of 200 messages.
Generator within(std::string name, std::size_t largest, std::function<std::string(std::size_t)> command) {
  return {std::move(name), largest, [command](std::size_t n) -> Work {
            return [account = account_of(200), text = "a SELECT INBOX\r\nb " + command(n) + "\r\n" + kEnd] {
              run(*account, text);
            };
          }};
}

const Generator kGenerators[] = {
    over_messages("flags of all", "FETCH 1:* (FLAGS UID)"),
    over_messages("structures of all", "FETCH 1:* (ENVELOPE BODYSTRUCTURE)"),
    over_messages("texts of all", "FETCH 1:* BODY.PEEK[]", 16384),
    over_messages("SEARCH SUBJECT", "SEARCH UNSEEN SUBJECT nothing"),
    over_messages("SEARCH TEXT", "SEARCH TEXT nothing", 16384),
    over_messages("UID SEARCH NOT", "UID SEARCH RETURN (COUNT) NOT DELETED"),
    over_messages("FETCH of every other", "UID FETCH " + every_other(30000) + " FLAGS"),
    over_messages("a hundred keys", "SEARCH " + alternatives(100), 16384),
    // Both: to set what is set already changes nothing.
    over_messages("STORE", "STORE 1:* +FLAGS.SILENT (\\Seen)\r\nc STORE 1:* -FLAGS.SILENT (\\Seen)"),
    within("keys of SEARCH over messages", 4096, [](std::size_t n) { return "SEARCH " + alternatives(n); }),
    within("numbers of SEARCH over messages", 65536,
           [](std::size_t n) { return "SEARCH UID " + every_other(n); }),
    within("sections of FETCH over messages", 4096,
           [](std::size_t n) {
             std::string items = "FETCH 1:* (FLAGS";
             for (std::size_t i = 0; i < n; ++i) items += fmt::format(" BODY.PEEK[1]<{}.1>", i);
             return items + ")";
           }),
    hostile("To fields, read", 65536, "", "To: a@b.example\r\n"),
    hostile("addresses, read", 1 << 20, "To: a@b", ",\r\n a@b.example"),
    hostile("multiparts within each other, read", 1 << 17, "",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"),
    hostile("messages within each other, read", 1 << 17, "", "Content-Type: message/rfc822\r\n\r\n"),
    hostile("parts, read", 1 << 18, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n",
            "\r\n--b\r\n\r\nx"),
    hostile("a long text, searched", 1 << 22, "\r\n", "nothin"),
    over_maildrop("TOP", "TOP {} 0"),
    over_maildrop("RETR", "RETR {}"),
    deliveries("deliveries taken in, seen and removed"),
    over_folders("LIST over folders", "LIST \"\" \"*a*a*a*a*a*a*a*a*a*a*b\""),
    over_folders("LSUB over folders", "LSUB \"\" *"),
};

}  // namespace

int main() {
  log::set_up({.fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC)});
  return growth::all_grow_well(kGenerators) ? 0 : 1;
}
