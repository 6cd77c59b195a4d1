// Several sessions on one mailbox, each in its own process as in life.
#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "libcommon/sys/fd.h"
#include "libcommon/sys/line_reader.h"
#include "libcommon/sys/socket_stream.h"
#include "spool/mailbox/checksum.h"
#include "tests/unit/imapd/fakes.h"

using namespace mailroom;

namespace {

// The client's side of a session in a child process.
class Session {
 public:
  explicit Session(const TemporaryAccount& account) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::runtime_error("socketpair");
    child_ = ::fork();
    if (child_ == 0) {
      ::close(ends[0]);
      serve(account, ends[1]);
    }
    ::close(ends[1]);
    socket_ = Fd{ends[0]};
    stream_ = std::make_unique<SocketStream>(ends[0], -1);
    stream_->set_deadline(std::chrono::steady_clock::now() + std::chrono::seconds{20});
    reader_ = std::make_unique<LineReader>(*stream_);
    read_line();
  }
  ~Session() {
    reader_.reset();
    socket_.reset();
    ::waitpid(child_, nullptr, 0);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // All lines up to the tagged one, each ended by LF.
  std::string command(std::string_view text) {
    send("t " + std::string{text});
    std::string lines;
    for (;;) {
      const std::string line = read_line();
      lines += line + "\n";
      if (line.starts_with("t ") || line.empty()) return lines;
    }
  }
  void send(const std::string& line) { stream_->write(line + "\r\n"); }
  std::string read_line() {
    const auto line = reader_->read_line(1048576);
    return line ? std::string{line->substr(0, line->size() - 2)} : std::string{};
  }

 private:
  [[noreturn]] static void serve(const TemporaryAccount& account, int socket) {
    try {
      SocketStream stream{socket, -1};
      mailbox::Mailbox mail = account.open();
      imapd::PollWait wait{stream, socket, -1, mail.watch()};
      imapd::run_session(stream, mail, wait, {.context = "in", .max_errors = 100});
    } catch (const std::exception&) {
    }
    ::_exit(0);
  }

  pid_t child_ = -1;
  Fd socket_;
  std::unique_ptr<SocketStream> stream_;
  std::unique_ptr<LineReader> reader_;
};

// As deliverd does it.
void deliver(const TemporaryAccount& account, const std::string& id, const std::string& octets) {
  const mailbox::FileName name{id, octets.size(), mailbox::checksum(octets)};
  const auto temporary = account.path() / "new" / ("." + id);
  std::ofstream{temporary, std::ios::binary} << octets;
  std::filesystem::rename(temporary, account.path() / "new" / mailbox::format_file_name(name));
}

TemporaryAccount* account_with_messages(int count) {
  auto* const account = new TemporaryAccount;
  mailbox::Mailbox mail = account->open();
  for (int i = 0; i < count; ++i) append_message(mail, "INBOX", "Subject: x\r\n\r\nhi\r\n");
  return account;
}

}  // namespace

TEST_CASE("sessions see each other's changes when the client may be told") {
  const std::unique_ptr<TemporaryAccount> account{account_with_messages(5)};
  Session one{*account};
  Session two{*account};
  one.command("SELECT INBOX");
  two.command("SELECT INBOX");

  CHECK(two.command("STORE 2 +FLAGS (\\Flagged $New)").ends_with("t OK Stored\n"));
  const std::string flags = one.command("NOOP");
  CHECK(flags.find("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $New)\n") != std::string::npos);
  CHECK(flags.find("* 2 FETCH (FLAGS (\\Flagged \\Recent $New))\n") != std::string::npos);
  CHECK(two.command("NOOP") == "t OK Nothing else done\n");

  two.command("STORE 2,4 +FLAGS.SILENT (\\Deleted)");
  CHECK(two.command("EXPUNGE") == "* 2 EXPUNGE\n* 3 EXPUNGE\nt OK Expunged\n");

  // Message numbers hold while FETCH, STORE and SEARCH are answered.
  const std::string fetched = one.command("FETCH 1:5 UID");
  CHECK(fetched.find("* 5 FETCH (UID 5)\n") != std::string::npos);
  CHECK(fetched.find("EXPUNGE\n") == std::string::npos);
  CHECK(fetched.find("t OK [EXPUNGEISSUED]") != std::string::npos);
  CHECK(one.command("SEARCH ALL") == "* SEARCH 1 3 5\nt OK [EXPUNGEISSUED] Searched\n");
  CHECK(one.command("STORE 5 +FLAGS (\\Seen)") == "* 5 FETCH (FLAGS (\\Seen \\Recent))\nt OK Stored\n");
  CHECK(one.command("UID FETCH 5 UID") == "* 5 FETCH (UID 5)\n* 2 EXPUNGE\n* 3 EXPUNGE\nt OK Fetched\n");
  CHECK(one.command("FETCH 3 UID") == "* 3 FETCH (UID 5)\nt OK Fetched\n");

  two.command("APPEND INBOX {18+}\r\nSubject: y\r\n\r\nhi\r\n");
  CHECK(one.command("FETCH 3 UID") == "* 3 FETCH (UID 5)\n* 4 EXISTS\n* 3 RECENT\nt OK Fetched\n");
}

TEST_CASE("IDLE tells at once of deliveries and of other sessions") {
  const std::unique_ptr<TemporaryAccount> account{account_with_messages(2)};
  Session one{*account};
  Session two{*account};
  one.command("SELECT INBOX");
  two.command("SELECT INBOX");
  one.send("i IDLE");
  CHECK(one.read_line().starts_with("+"));
  two.command("STORE 1 +FLAGS.SILENT (\\Deleted)");
  CHECK(one.read_line() == "* 1 FETCH (FLAGS (\\Deleted \\Recent))");
  two.command("EXPUNGE");
  CHECK(one.read_line() == "* 1 EXPUNGE");
  deliver(*account, "q1.1", "Subject: new\r\n\r\nnew\r\n");
  CHECK(one.read_line() == "* 2 EXISTS");
  CHECK(one.read_line().starts_with("* "));
  one.send("DONE");
  CHECK(one.read_line() == "i OK Idle ended");
  CHECK(one.command("FETCH 2 BODY.PEEK[TEXT]") == "* 2 FETCH (BODY[TEXT] {5}\nnew\n)\nt OK Fetched\n");
}

TEST_CASE("deliveries are noticed at NOOP, and are recent for one session") {
  const std::unique_ptr<TemporaryAccount> account{account_with_messages(1)};
  Session one{*account};
  Session two{*account};
  one.command("SELECT INBOX");
  two.command("SELECT INBOX");
  deliver(*account, "q2.1", "Subject: new\r\n\r\nnew\r\n");
  CHECK(one.command("NOOP") == "* 2 EXISTS\n* 2 RECENT\nt OK Nothing else done\n");
  CHECK(two.command("NOOP") == "* 2 EXISTS\n* 0 RECENT\nt OK Nothing else done\n");
  CHECK(one.command("FETCH 2 FLAGS") == "* 2 FETCH (FLAGS (\\Recent))\nt OK Fetched\n");
  CHECK(two.command("FETCH 2 FLAGS") == "* 2 FETCH (FLAGS ())\nt OK Fetched\n");
}

TEST_CASE("a selected mailbox that is deleted ends the session that has it") {
  const std::unique_ptr<TemporaryAccount> account{account_with_messages(1)};
  Session one{*account};
  Session two{*account};
  one.command("CREATE box");
  two.command("SELECT box");
  CHECK(one.command("DELETE box") == "t OK Deleted\n");
  two.send("t NOOP");
  CHECK(two.read_line() == "* BYE The selected mailbox was deleted");
}

TEST_CASE("what the index keeps of a message is given without its file") {
  const std::unique_ptr<TemporaryAccount> account{account_with_messages(0)};
  deliver(*account, "q3.1", "Subject: kept\r\n\r\nhi\r\n");
  Session one{*account};
  one.command("SELECT INBOX");
  one.command("APPEND INBOX {18+}\r\nSubject: y\r\n\r\nhi\r\n");
  for (const auto& file : std::filesystem::directory_iterator(account->path() / "cur")) {
    std::filesystem::remove(file.path());
  }
  const std::string fetched =
      one.command("FETCH 1:2 (FLAGS UID INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)");
  CHECK(fetched.find("* 1 FETCH (FLAGS (\\Recent) UID 1 ") != std::string::npos);
  CHECK(fetched.find("\"kept\"") != std::string::npos);
  CHECK(fetched.find("* 2 FETCH ") != std::string::npos);
  CHECK(fetched.ends_with("t OK Fetched\n"));
  CHECK(one.command("FETCH 1 BODY.PEEK[]").starts_with("t NO [CORRUPTION]"));
}

TEST_CASE("a STORE hides nothing that others have changed") {
  const std::unique_ptr<TemporaryAccount> account{account_with_messages(3)};
  Session one{*account};
  Session two{*account};
  one.command("SELECT INBOX");
  two.command("SELECT INBOX");

  // Silent, on a message whose other flags have changed.
  two.command("STORE 1 +FLAGS.SILENT (\\Flagged)");
  CHECK(one.command("STORE 1:2 +FLAGS.SILENT (\\Seen)") ==
        "* 1 FETCH (FLAGS (\\Flagged \\Seen \\Recent))\nt OK Stored\n");

  // One that changes nothing, while another message was changed.
  two.command("STORE 3 +FLAGS.SILENT (\\Draft)");
  CHECK(one.command("STORE 2 +FLAGS (\\Seen)") ==
        "* 2 FETCH (FLAGS (\\Seen \\Recent))\n* 3 FETCH (FLAGS (\\Draft \\Recent))\nt OK Stored\n");
  CHECK(one.command("NOOP") == "t OK Nothing else done\n");
}
