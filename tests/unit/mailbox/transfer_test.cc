#include <fcntl.h>
#include <sys/stat.h>

#include <map>

#include "spool/mailbox/rebuild.h"
#include "spool/mailbox/transfer/export.h"
#include "spool/mailbox/transfer/import.h"
#include "spool/mailbox/transfer/line_ends.h"
#include "spool/mailbox/transfer/maildir_format.h"
#include "spool/mailbox/transfer/mbox_format.h"
#include "tests/unit/mailbox/account.h"

using namespace mailroom::mailbox;
namespace fs = std::filesystem;

// ---- formats ----

TEST_CASE("line ends: bare LF becomes CRLF and CRLF becomes LF") {
  CHECK(to_wire("a\nb\r\nc\n\n") == "a\r\nb\r\nc\r\n\r\n");
  CHECK(to_wire("a\rb") == "a\rb");
  CHECK(to_wire("") == "");
  CHECK(to_local("a\r\nb\r\n\r\n") == "a\nb\n\n");
  CHECK(to_local("a\rb\nc") == "a\rb\nc");
  CHECK(to_local(to_wire("x\n\ny")) == "x\n\ny");
}

TEST_CASE("Maildir names") {
  const auto name = parse_maildir_name("1.M2.host,S=10:2,FRSaz");
  CHECK(name == MaildirName{"1.M2.host,S=10", kFlagged | kAnswered | kSeen, "az"});
  CHECK(format_maildir_name(name) == "1.M2.host,S=10:2,FRSaz");
  CHECK(parse_maildir_name("1.M2.host") == MaildirName{"1.M2.host", 0, ""});
  CHECK(parse_maildir_name("x:2,TDPaa?") == MaildirName{"x", kDeleted | kDraft, "a"});
}

TEST_CASE("dovecot-uidlist, versions 3 and 1") {
  const auto list = parse_uid_list("3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n"
                                   "25006 :1276528487.M364837P9451.kurkku,S=1355,W=1394:2,\n"
                                   "25017 W2481 P0000a1 :1276533073.M242911P3632.kurkku:2,F\n"
                                   "junk\n0 :zero\n\n");
  REQUIRE(list);
  CHECK(list->uid_validity == 1275660208);
  CHECK(list->uid_next == 25022);
  REQUIRE(list->entries.size() == 2);
  CHECK(list->entries.at("1276528487.M364837P9451.kurkku,S=1355,W=1394").uid == 25006);
  CHECK(list->entries.at("1276533073.M242911P3632.kurkku").uidl == "0000a1");
  const auto again = parse_uid_list(format_uid_list(*list));
  REQUIRE(again);
  CHECK(again->uid_next == list->uid_next);
  CHECK(again->entries.at("1276533073.M242911P3632.kurkku").uidl == "0000a1");
  const auto old = parse_uid_list("1 1000 7\n5 123.host:2,S\n6 124.host\n");
  REQUIRE(old);
  CHECK(old->uid_validity == 1000);
  CHECK(old->uid_next == 7);
  CHECK(old->entries.at("123.host").uid == 5);
  CHECK(old->entries.at("124.host").uid == 6);
  CHECK(!parse_uid_list(""));
  CHECK(!parse_uid_list("2 V1 N1\n"));
  CHECK(!parse_uid_list("3 N1\n"));
}

TEST_CASE("Maildir++ directories and keywords") {
  CHECK(folder_of_directory(".Work.Sub") == "Work/Sub");
  CHECK(folder_of_directory(".Entw&APw-rfe") == "Entw\xC3\xBCrfe");
  CHECK(!folder_of_directory("cur"));
  CHECK(!folder_of_directory("."));
  CHECK(!folder_of_directory(".."));
  CHECK(!folder_of_directory("..x"));
  CHECK(!folder_of_directory(".a&!"));
  CHECK(directory_of_folder("Entw\xC3\xBCrfe/v1.2") == ".Entw&APw-rfe.v1_2");
  const auto keywords = parse_keywords("0 $Work\n25 Last\n26 none\nx y\n");
  CHECK(keywords == std::map<char, std::string>{{'a', "$Work"}, {'z', "Last"}});
  CHECK(parse_keywords(format_keywords(keywords)) == keywords);
}

TEST_CASE("From lines of mbox") {
  CHECK(parse_from_line("From a@b Thu Nov 24 18:22:48 1986") == 533240568);
  CHECK(parse_from_line("From - Thu Jan  1 00:00:00 1970") == 0);
  CHECK(parse_from_line("From x Fri Jul  8 12:08 2011") == 1310126880);
  CHECK(parse_from_line("From x Fri Jul  8 12:08:34 CEST 2011") == 1310126914);
  CHECK(parse_from_line("From some one Fri Jul  8 12:08:34 2011") == 1310126914);
  for (const char* line :
       {"From here on all is well", "From x Fri Jul 8 25:08:34 2011", "From x Xyz Jul  8 12:08:34 2011",
        "From x Fri Jul", "From: x Fri Jul  8 12:08:34 2011", ">From x Fri Jul  8 12:08:34 2011", ""})
    CHECK(!parse_from_line(line));
}

namespace {

std::vector<MboxMessage> parse_mbox(std::string_view text) {
  MboxParser parser;
  std::vector<MboxMessage> messages;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (auto message = parser.add_line(line)) messages.push_back(std::move(*message));
  }
  if (auto message = parser.finish()) messages.push_back(std::move(*message));
  return messages;
}

}  // namespace

TEST_CASE("mbox: what is written is read back, whatever the message looks like") {
  for (const char* content : {"Subject: x\r\n\r\nbody\r\n", "", "\r\nbody\r\n", "A: b\r\n", "A: b\r\n\r\n",
                              "A: b\r\n\r\nFrom me\r\n>From you\r\n\r\nFrom a Thu Nov 24 18:22:48 1986\r\n",
                              "A: b\r\n\r\n\r\n\r\n\r\n", "From: x\r\nFolded: 1\r\n 2\r\n\r\nFrom \r\n"}) {
    INFO(content);
    const MboxMessage message{.content = content,
                              .date = 1700000000,
                              .flags = kSeen | kFlagged | kDraft,
                              .keywords = {"a", "b"},
                              .uid = 7,
                              .uidl = "u7",
                              .uid_validity = 99,
                              .last_uid = 12};
    const MboxMessage plain{.content = content};
    const auto read = parse_mbox(format_mbox_message(message) + format_mbox_message(plain));
    REQUIRE(read.size() == 2);
    CHECK(read[0] == message);
    CHECK(read[1] == plain);
  }
}

TEST_CASE("mbox: other servers' files") {
  const auto messages =
      parse_mbox("From MAILER-DAEMON Fri Jul  8 12:08:34 2011\r\n"
                 "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n"
                 "X-IMAP: 1310126914 0000000007 $Work\nStatus: RO\n\ntext\n\n"
                 "From a@b Fri Jul  8 12:08:34 2011\n"
                 "Subject: one\nStatus: RO\nx-status: A\nX-Keywords: $Work\n more\nX-UID: 5\n\n"
                 "From the middle\n\nFrom nowhere in particular\n>From quoted\n\n\n"
                 "From c@d Fri Jul  8 12:08:35 2011\nSubject: two\n\n");
  REQUIRE(messages.size() == 3);
  CHECK(messages[0].is_folder_data);
  CHECK(messages[0].uid_validity == 1310126914);
  CHECK(messages[0].last_uid == 7);
  CHECK(messages[1].content ==
        "Subject: one\r\n\r\nFrom the middle\r\n\r\nFrom nowhere in particular\r\nFrom quoted\r\n\r\n");
  CHECK(messages[1].flags == (kSeen | kAnswered));
  CHECK(messages[1].keywords == std::vector<std::string>{"$Work", "more"});
  CHECK(messages[1].uid == 5);
  CHECK(messages[2].content == "Subject: two\r\n");
  CHECK(parse_mbox("no mbox at all\n").empty());
}

// ---- accounts ----

namespace {

// What must survive: by folder and UID.
std::map<std::string, std::string> facts(Mailbox& mailbox) {
  std::map<std::string, std::string> found;
  for (const auto& entry : ok(mailbox.list())) {
    if (entry.folder == 0) continue;
    const auto folder = ok(mailbox.folder(entry.folder));
    found[entry.name] = std::to_string(folder.uid_validity) + " " + std::to_string(folder.uid_next);
    for (const auto& message : ok(mailbox.messages(entry.folder, UidRange{}))) {
      std::string text = std::to_string(message.flags) + " " + std::to_string(message.internal_date);
      for (std::size_t bit = 0; bit < folder.keywords.size(); ++bit)
        if (message.keywords >> bit & 1) text += " " + folder.keywords[bit];
      text += "\n" + std::string{ok(mailbox.open_file(message.file)).bytes()};
      found[entry.name + " " + std::to_string(message.uid)] = text;
    }
  }
  for (const auto& entry : ok(mailbox.maildrop())) found["uidl " + std::to_string(entry.uid)] = entry.uidl;
  for (const auto& name : ok(mailbox.subscriptions())) found["subscribed " + name] = "";
  return found;
}

void add(Mailbox& mailbox, FolderId folder, const std::string& content, Flags flags,
         std::vector<std::string> keywords, std::string uidl = "") {
  auto staged = ok(mailbox.stage());
  ok(staged.write(content));
  std::vector<NewMessage> messages;
  messages.push_back({.staged = std::move(staged),
                      .flags = flags,
                      .keywords = std::move(keywords),
                      .internal_date = 1600000000 + static_cast<std::int64_t>(content.size()),
                      .uidl = std::move(uidl)});
  ok(mailbox.append(folder, std::move(messages)));
}

void furnish(Mailbox& mailbox) {
  const auto sub = ok(mailbox.create("Entw\xC3\xBCrfe/Alt"));
  add(mailbox, kInbox, "Subject: 1\r\n\r\nFrom one\r\n", kSeen, {"Red", "Blue"});
  add(mailbox, kInbox, "Subject: 2\r\n\r\n", kFlagged | kAnswered, {}, "theirs");
  add(mailbox, kInbox, "Subject: 3\r\n\r\ngone\r\n", 0, {});
  add(mailbox, kInbox, "Subject: 4\r\n\r\nalso gone\r\n", 0, {});
  add(mailbox, sub, "Subject: 5\r\n\r\n\r\n", kDraft | kDeleted, {"Blue"});
  ok(mailbox.remove(kInbox, {1, 4}));
  ok(mailbox.subscribe("INBOX"));
  ok(mailbox.subscribe("Entw\xC3\xBCrfe/Alt"));
}

}  // namespace

TEST_CASE("an account goes out as Maildir and comes back the same, UIDs, UIDLs, flags and all") {
  Account from, to;
  auto source = from.open();
  furnish(source);
  const auto exported = ok(export_maildir(source, from.path() + "/out"));
  CHECK(exported.messages == 3);
  CHECK(exported.skipped.empty());
  CHECK(!export_maildir(source, from.path() + "/out"));  // never into what is there
  auto target = to.open();
  const auto imported = ok(import_maildir(target, from.path() + "/out", {}));
  CHECK(imported.messages == 3);
  CHECK(imported.folders == 3);
  CHECK(facts(target) == facts(source));
  CHECK(ok(verify(target, Depth::checksums)).problems.empty());

  // A second time there are other numbers, but all the mail.
  ok(import_maildir(target, from.path() + "/out", {.folder = "Old"}));
  CHECK(ok(target.folder(ok(target.find("Old")))).exists == 2);
  CHECK(ok(target.folder(ok(target.find("Old/Entw\xC3\xBCrfe/Alt")))).exists == 1);
  ok(import_maildir(target, from.path() + "/out", {}));
  CHECK(ok(target.folder(kInbox)).exists == 4);
}

TEST_CASE("a folder goes out as mbox and comes back the same") {
  Account from, to;
  auto source = from.open();
  furnish(source);
  const std::string path = from.path() + "/mbox";
  {
    const mailroom::Fd fd{open(path.c_str(), O_WRONLY | O_CREAT, 0600)};
    CHECK(ok(export_mbox(source, "INBOX", fd.get())).messages == 2);
  }
  auto target = to.open();
  const mailroom::Fd fd{open(path.c_str(), O_RDONLY)};
  CHECK(ok(import_mbox(target, fd.get(), {})).messages == 2);
  auto expected = facts(source), found = facts(target);
  for (const char* absent : {"Entw\xC3\xBCrfe", "Entw\xC3\xBCrfe/Alt", "Entw\xC3\xBCrfe/Alt 1",
                             "subscribed INBOX", "subscribed Entw\xC3\xBCrfe/Alt"})
    CHECK(expected.erase(absent) == 1);
  CHECK(found == expected);
}

TEST_CASE("a Maildir as Dovecot leaves it") {
  Account source, to;
  for (const char* directory : {"cur", "new", "tmp", ".Sent/cur", ".Sent/new"})
    fs::create_directories(source.path() + "/" + directory);
  source.put("dovecot-uidlist", "3 V1111111111 N50 Gx\n10 :a.host:2,S\n20 P00001 :b.host\n");
  source.put("dovecot-keywords", "0 $Forwarded\n");
  source.put("cur/a.host:2,RSa", "Subject: a\n\nx\n");  // flags changed since the list was written
  source.put("new/b.host", "Subject: b\r\n\r\n");
  source.put("cur/c.host:2,", "Subject: c\n\n");
  source.put(".Sent/cur/d.host:2,S", "Subject: d\n\n");
  fs::create_symlink("/etc/passwd", source.path() + "/cur/e.host:2,S");
  REQUIRE(mkfifo((source.path() + "/new/f.host").c_str(), 0600) == 0);
  fs::create_symlink("/etc", source.path() + "/.Etc");
  auto target = to.open();
  const auto imported = ok(import_maildir(target, source.path(), {.computed_uidl = ComputedUidl::dovecot}));
  CHECK(imported.messages == 4);
  CHECK(imported.skipped.size() == 2);
  const auto inbox = ok(target.folder(kInbox));
  CHECK(inbox.uid_validity == 1111111111);
  CHECK(inbox.uid_next == 51);  // the list's 50 went to c
  CHECK(ok(target.uids(kInbox)) == UidSet{10, 20, 50});
  CHECK(ok(target.message(kInbox, 10)).flags == (kSeen | kAnswered));
  CHECK(inbox.keywords == std::vector<std::string>{"$Forwarded"});
  const auto drop = ok(target.maildrop());
  CHECK(drop[0].uidl == "0000000a423a35c7");
  CHECK(drop[1].uidl == "00001");
  CHECK(drop[2].uidl == "1111111111.50");
  CHECK(ok(target.open_file(drop[0].file)).bytes() == "Subject: a\r\n\r\nx\r\n");
  CHECK(ok(target.folder(ok(target.find("Sent")))).exists == 1);
  CHECK(!import_maildir(target, "/etc", {}));
}

TEST_CASE("keywords that cannot be kept are dropped, their messages are not") {
  Account account;
  std::string text = "From a Fri Jul  8 12:08:34 2011\nX-Keywords: good \x1b[2J b(d\n\n\n";
  text += "From a Fri Jul  8 12:08:34 2011\nX-Keywords:";
  for (int i = 0; i < 200; ++i) text += " k" + std::to_string(i);
  account.put("text", text + "\n\n");
  auto mailbox = account.open();
  const mailroom::Fd fd{open((account.path() + "/text").c_str(), O_RDONLY)};
  CHECK(ok(import_mbox(mailbox, fd.get(), {})).messages == 2);
  CHECK(ok(mailbox.folder(kInbox)).keywords.size() == kMaxKeywords);
  CHECK(ok(mailbox.message(kInbox, 1)).keywords == 1);
}

TEST_CASE("what is no mbox is refused") {
  Account account;
  account.put("text", "hello\n");
  auto mailbox = account.open();
  const mailroom::Fd fd{open((account.path() + "/text").c_str(), O_RDONLY)};
  CHECK(!import_mbox(mailbox, fd.get(), {}));
}
