// mr-mailbox: lists, imports, exports, checks and rebuilds the mail of accounts.
//
// SECURITY: reads mail and files that an account's owner may have made, so never as root: for each account a
// process is forked that becomes the account's uid before it opens anything below the account's directory.
// Import and export reach only what that uid may read and write; "-" is opened by the caller's shell. Names
// of accounts are looked up by asking policyd.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "daemons/config/load.h"
#include "daemons/listener/session_mailbox.h"
#include "libcommon/sys/become.h"
#include "libcommon/text/ascii.h"
#include "spool/mailbox/rebuild.h"
#include "spool/mailbox/transfer/export.h"
#include "spool/mailbox/transfer/import.h"
#include "tools/account_servers.h"
#include "tools/printable.h"
#include "tools/time_text.h"
#include "tools/tool_options.h"

namespace mailroom {
namespace {

using mailbox::Mailbox;
using Json = nlohmann::ordered_json;

struct Options : ToolOptions {
  std::optional<std::string> directory;  // spool/mail: no configuration is read
  bool full = false;
  bool from_snapshot = false;
  mailbox::ImportOptions import;
};

// An account's directory and who works in it.
struct Target {
  std::string label;
  mailbox::Options mailbox;
  uid_t uid = 0;
};

int fail(std::string_view reason) {
  fmt::print(stderr, "mr-mailbox: {}\n", printable(reason));
  return kFailed;
}

std::string_view words_of(mailbox::Failure::Code code) {
  using Code = mailbox::Failure::Code;
  switch (code) {
  case Code::no_such_folder:
    return "no such folder: ";
  case Code::bad_name:
    return "no name for a folder: ";
  case Code::too_many_folders:
    return "too many folders: ";
  case Code::no_space:
    return "no space left: ";
  case Code::in_use:
    return "in use by another process: ";
  case Code::corrupt_index:
    return "the index is broken, see mr-mailbox rebuild: ";
  default:
    return "";
  }
}

int fail(const Target& target, const mailbox::Failure& failure) {
  return fail(fmt::format("{}: {}{}", target.label, words_of(failure.code), failure.text));
}

// ---- showing

constexpr std::string_view kUses[] = {"",          "\\All",  "\\Archive", "\\Drafts",
                                      "\\Flagged", "\\Junk", "\\Sent",    "\\Trash"};

std::vector<std::string> flag_names(const mailbox::Message& message, const mailbox::Folder& folder) {
  constexpr std::pair<mailbox::Flags, const char*> kNames[] = {{mailbox::kAnswered, "\\Answered"},
                                                               {mailbox::kFlagged, "\\Flagged"},
                                                               {mailbox::kDeleted, "\\Deleted"},
                                                               {mailbox::kSeen, "\\Seen"},
                                                               {mailbox::kDraft, "\\Draft"}};
  std::vector<std::string> names;
  for (const auto& [flag, name] : kNames)
    if (message.flags & flag) names.emplace_back(name);
  for (std::size_t bit = 0; bit < folder.keywords.size(); ++bit)
    if (message.keywords >> bit & 1) names.push_back(folder.keywords[bit]);
  return names;
}

Json json_of(const mailbox::ListEntry& entry, const mailbox::Folder& folder) {
  return {{"folder", folder.name},
          {"messages", folder.exists},
          {"unseen", folder.unseen},
          {"octets", folder.octets},
          {"uid_validity", folder.uid_validity},
          {"uid_next", folder.uid_next},
          {"highest_modseq", folder.highest_modseq},
          {"use", kUses[static_cast<std::size_t>(folder.use)]},
          {"subscribed", entry.subscribed}};
}

Json json_of(const mailbox::Message& message, const mailbox::Folder& folder) {
  return {{"uid", message.uid},
          {"octets", message.size},
          {"date", time_text(message.internal_date)},
          {"saved", time_text(message.save_date)},
          {"modseq", message.modseq},
          {"flags", flag_names(message, folder)}};
}

// Names come from clients, and octets that are no UTF-8 with them.
void print_json(const Json& json) {
  std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

void print_skipped(const std::vector<std::string>& skipped) {
  for (const std::string& what : skipped) fmt::print(stderr, "mr-mailbox: skipped {}\n", printable(what));
}

// ---- the verbs, each in a process of the account's own; words are those after ACCOUNT

using Words = std::span<const std::string>;

int list_folders(Mailbox& mail, const Target& target, const Options& options) {
  const auto entries = mail.list();
  if (!entries) return fail(target, entries.error());
  Json all = Json::array();
  for (const auto& entry : *entries) {
    if (entry.folder == 0) continue;
    const auto folder = mail.folder(entry.folder);
    if (!folder) return fail(target, folder.error());
    all.push_back(json_of(entry, *folder));
    if (!options.json)
      fmt::print("{:>8} messages {:>8} unseen {:>14} octets  {}{}\n", folder->exists, folder->unseen,
                 folder->octets, printable(folder->name),
                 entry.use == mailbox::SpecialUse::none
                     ? ""
                     : fmt::format(" ({})", kUses[static_cast<std::size_t>(entry.use)]));
  }
  if (options.json) print_json(all);
  return kGood;
}

int list_messages(Mailbox& mail, const Target& target, const Options& options, const std::string& name) {
  const auto id = mail.find(name);
  if (!id) return fail(target, id.error());
  const auto folder = mail.folder(*id);
  if (!folder) return fail(target, folder.error());
  Json all = Json::array();
  for (mailbox::Uid from = 1;;) {
    const auto batch = mail.messages(*id, mailbox::UidRange{from, UINT32_MAX - 1});
    if (!batch) return fail(target, batch.error());
    if (batch->empty()) break;
    for (const auto& message : *batch) {
      if (options.json) {
        all.push_back(json_of(message, *folder));
      } else {
        fmt::print("{:>10} {:>12} {}  {}\n", message.uid, message.size, time_text(message.internal_date),
                   printable(fmt::format("{}", fmt::join(flag_names(message, *folder), " "))));
      }
    }
    from = batch->back().uid + 1;
  }
  if (options.json) print_json(all);
  return kGood;
}

int list(const Target& target, const Options& options, Words words) {
  auto mail = Mailbox::open(target.mailbox);
  if (!mail) return fail(target, mail.error());
  return words.empty() ? list_folders(*mail, target, options)
                       : list_messages(*mail, target, options, words[0]);
}

mailbox::Result<mailbox::Imported> import_from(Mailbox& mail, const Options& options, Words words) {
  if (words[0] == "maildir") return mailbox::import_maildir(mail, words[1], options.import);
  if (words[1] == "-") return mailbox::import_mbox(mail, STDIN_FILENO, options.import);
  const Fd fd{::open(words[1].c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd)
    return std::unexpected(
        mailbox::Failure{mailbox::Failure::Code::failed, words[1] + ": " + std::strerror(errno)});
  return mailbox::import_mbox(mail, fd.get(), options.import);
}

int import(const Target& target, const Options& options, Words words) {
  auto mail = Mailbox::open(target.mailbox);
  if (!mail) return fail(target, mail.error());
  Options with_folder = options;
  if (words.size() > 2) with_folder.import.folder = words[2];
  const auto imported = import_from(*mail, with_folder, words);
  if (!imported) return fail(target, imported.error());
  if (auto kept = mail->write_snapshot(); !kept) return fail(target, kept.error());
  print_skipped(imported->skipped);
  if (options.json) {
    print_json({{"folders", imported->folders},
                {"messages", imported->messages},
                {"octets", imported->octets},
                {"skipped", imported->skipped}});
  } else {
    fmt::print("{} messages, {} octets, into {} folders\n", imported->messages, imported->octets,
               imported->folders);
  }
  return imported->skipped.empty() ? kGood : kFailed;
}

mailbox::Result<mailbox::Exported> export_to(Mailbox& mail, Words words) {
  if (words[0] == "maildir") return mailbox::export_maildir(mail, words[1]);
  const std::string folder = words.size() > 2 ? words[2] : "INBOX";
  if (words[1] == "-") return mailbox::export_mbox(mail, folder, STDOUT_FILENO);
  const Fd fd{::open(words[1].c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!fd)
    return std::unexpected(
        mailbox::Failure{mailbox::Failure::Code::failed, words[1] + ": " + std::strerror(errno)});
  auto exported = mailbox::export_mbox(mail, folder, fd.get());
  if (exported && ::fsync(fd.get()) != 0)
    return std::unexpected(
        mailbox::Failure{mailbox::Failure::Code::failed, words[1] + ": " + std::strerror(errno)});
  return exported;
}

int export_mail(const Target& target, const Options& options, Words words) {
  auto mail = Mailbox::open(target.mailbox);
  if (!mail) return fail(target, mail.error());
  if (auto taken = mail->take_in(); !taken) return fail(target, taken.error());
  const auto exported = export_to(*mail, words);
  if (!exported) return fail(target, exported.error());
  print_skipped(exported->skipped);
  if (words[1] == "-") return exported->skipped.empty() ? kGood : kFailed;
  if (options.json) {
    print_json(
        {{"folders", exported->folders}, {"messages", exported->messages}, {"skipped", exported->skipped}});
  } else {
    fmt::print("{} messages of {} folders\n", exported->messages, exported->folders);
  }
  return exported->skipped.empty() ? kGood : kFailed;
}

constexpr std::string_view kProblems[] = {"missing file", "damaged file", "unknown file", "index"};

int verify(const Target& target, const Options& options, Words) {
  auto mail = Mailbox::open(target.mailbox);
  if (!mail) return fail(target, mail.error());
  const auto result =
      mailbox::verify(*mail, options.full ? mailbox::Depth::checksums : mailbox::Depth::sizes);
  if (!result) return fail(target, result.error());
  Json problems = Json::array();
  for (const auto& problem : result->problems) {
    const auto kind = kProblems[static_cast<std::size_t>(problem.kind)];
    problems.push_back({{"kind", kind}, {"what", problem.text}});
    if (!options.json) fmt::print("{}: {}: {}\n", target.label, kind, printable(problem.text));
  }
  if (options.json) {
    print_json({{"account", target.label},
                {"folders", result->folders},
                {"messages", result->messages},
                {"files", result->files},
                {"problems", problems}});
  } else {
    fmt::print("{}: {} messages in {} folders, {} files, {} problems\n", target.label, result->messages,
               result->folders, result->files, result->problems.size());
  }
  return result->problems.empty() ? kGood : kFailed;
}

// What the present index still says goes into the snapshot that the new one is made from.
void salvage(const Target& target) {
  auto mail = Mailbox::open(target.mailbox);
  const auto written = mail ? mail->write_snapshot() : std::unexpected(mail.error());
  if (!written)
    fmt::print(stderr, "mr-mailbox: {}: the present index is of no use: {}\n", target.label,
               printable(written.error().text));
}

int rebuild(const Target& target, const Options& options, Words) {
  if (!options.from_snapshot) salvage(target);
  const auto result = mailbox::rebuild(target.mailbox);
  if (!result && result.error().code == mailbox::Failure::Code::in_use)
    return fail(target.label + ": a session has the mailbox open; disable the account, or try again later");
  if (!result) return fail(target, result.error());
  if (options.json) {
    print_json({{"account", target.label},
                {"snapshot_used", result->snapshot_used},
                {"from_snapshot", result->from_snapshot},
                {"adopted", result->adopted},
                {"missing", result->missing}});
  } else {
    fmt::print(
        "{}: {} messages as in the {}, {} more found and put into INBOX, {} without their file left out\n",
        target.label, result->from_snapshot, result->snapshot_used ? "snapshot" : "snapshot (there was none)",
        result->adopted, result->missing);
  }
  return kGood;
}

struct Verb {
  std::string_view name;
  std::string_view arguments;
  std::size_t least, most;  // words after ACCOUNT
  int (*run)(const Target&, const Options&, Words);
};

constexpr Verb kVerbs[] = {
    {"export", "ACCOUNT maildir DIRECTORY | ACCOUNT mbox FILE [FOLDER]", 2, 3, export_mail},
    {"import", "ACCOUNT maildir DIRECTORY [FOLDER] | ACCOUNT mbox FILE [FOLDER]", 2, 3, import},
    {"list", "ACCOUNT [FOLDER]", 0, 1, list},
    {"rebuild", "ACCOUNT", 0, 0, rebuild},
    {"verify", "ACCOUNT", 0, 0, verify},
};

int usage() {
  for (const Verb& verb : kVerbs)
    fmt::print(stderr, "{} mr-mailbox [--config FILE | --dir SPOOL/mail] [--json] {} {}\n",
               &verb == kVerbs ? "usage:" : "      ", verb.name, verb.arguments);
  fmt::print(stderr,
             "ACCOUNT is a name or a number; for verify also --all. FILE may be -. verify takes --full,\n"
             "import takes --dovecot-uidls.\n");
  return kWrongUsage;
}

// ---- options

bool take_option(Options& options, std::string_view option, const OptionValue& value) {
  if (option == "--dir") {
    options.directory = value();
  } else if (option == "--full") {
    options.full = true;
  } else if (option == "--from-snapshot") {
    options.from_snapshot = true;
  } else if (option == "--dovecot-uidls") {
    options.import.computed_uidl = mailbox::ComputedUidl::dovecot;
  } else if (option == "--all") {
    options.words.emplace_back(option);
  } else {
    return false;
  }
  return true;
}

std::optional<Options> parse_options(std::span<char*> arguments) {
  Options options;
  const bool good = read_options(arguments, options, [&](std::string_view option, const OptionValue& value) {
    return take_option(options, option, value);
  });
  return good && options.words.size() >= 2 ? std::optional{std::move(options)} : std::nullopt;
}

const Verb* find_verb(const Options& options) {
  const auto verb = std::ranges::find(kVerbs, options.words[0], &Verb::name);
  if (verb == std::end(kVerbs)) return nullptr;
  const auto more = options.words.size() - 2;
  const bool transfer = verb->least == 2;
  if (more < verb->least || more > verb->most) return nullptr;
  if (transfer && options.words[2] != "maildir" && options.words[2] != "mbox") return nullptr;
  return options.words[1] == "--all" && verb->name != "verify" ? nullptr : verb;
}

// ---- accounts

// Where the accounts are, and what their uids and options are.
struct Place {
  std::string mail;
  mailbox::Options mailbox;
  std::optional<Config> config;
};

std::expected<Place, std::string> find_place(const Options& options) {
  if (options.directory) return Place{.mail = *options.directory};
  auto config = config::load(options.config);
  if (!config) return std::unexpected(config::text_of(config.error().front()));
  Place place{.mail = config->directories.spool + "/mail", .mailbox = mailbox_options(*config)};
  place.config = std::move(*config);
  return place;
}

std::expected<AccountId, std::string> account_of(const Place& place, const std::string& word) {
  if (const auto number = parse_decimal<AccountId>(word)) return *number;
  if (!place.config) return std::unexpected(word + ": with --dir accounts are numbers");
  auto servers = AccountServers::connect(place.config->directories.run);
  if (!servers)
    return std::unexpected(servers.error() + "; while the system is down, give the account's number");
  const auto shown = servers->show(word);
  if (!shown) return std::unexpected(shown.error());
  return shown->facts.account;
}

std::expected<Target, std::string> target_of(const Place& place, AccountId account) {
  Target target{.label = std::to_string(account), .mailbox = place.mailbox};
  target.mailbox.path = place.mail + "/" + target.label;
  struct stat status {};
  if (::lstat(target.mailbox.path.c_str(), &status) != 0)
    return std::unexpected(target.mailbox.path + ": " + std::strerror(errno));
  if (!S_ISDIR(status.st_mode)) return std::unexpected(target.mailbox.path + ": not a directory");
  target.uid = status.st_uid;
  const bool as_account = place.config && ::geteuid() == 0 && target.uid != 0;
  if (as_account && target.uid != place.config->uids.accounts + account)
    return std::unexpected(target.mailbox.path + ": not owned by the account's uid");
  return target;
}

std::vector<AccountId> all_accounts(const Place& place) {
  std::vector<AccountId> accounts;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(place.mail, error))
    if (const auto account = parse_decimal<AccountId>(entry.path().filename().string()))
      accounts.push_back(*account);
  std::ranges::sort(accounts);
  return accounts;
}

// Runs the verb in a process of its own that is the account's.
int run_as_account(const Verb& verb, const Target& target, const Options& options) {
  std::cout.flush();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return fail(std::strerror(errno));
  if (child == 0) {
    if (::geteuid() == 0 && target.uid != 0) become(target.uid, kNoCapabilities);
    const int status = verb.run(target, options, Words{options.words}.subspan(2));
    std::cout.flush();
    std::fflush(nullptr);
    ::_exit(status);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status))
    return fail(target.label + ": ended abnormally");
  return WEXITSTATUS(status);
}

int run(const Options& options) {
  const Verb* verb = find_verb(options);
  if (verb == nullptr) return usage();
  const auto place = find_place(options);
  if (!place) return fail(place.error());
  std::vector<AccountId> accounts;
  if (options.words[1] == "--all") {
    accounts = all_accounts(*place);
  } else {
    const auto account = account_of(*place, options.words[1]);
    if (!account) return fail(account.error());
    accounts.push_back(*account);
  }
  int worst = kGood;
  for (const AccountId account : accounts) {
    const auto target = target_of(*place, account);
    worst = std::max(worst, target ? run_as_account(*verb, *target, options) : fail(target.error()));
  }
  return worst;
}

}  // namespace
}  // namespace mailroom

int main(int argc, char** argv) {
  const auto options = mailroom::parse_options({argv + 1, argv + argc});
  return options ? mailroom::run(*options) : mailroom::usage();
}
