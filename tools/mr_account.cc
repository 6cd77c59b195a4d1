// mr-account: makes, shows, changes and removes accounts and their addresses.
//
// SECURITY: changes nothing itself: it asks policyd and authd on their control sockets, which only root can
// connect to. A password goes to authd in clear over that socket and is hashed there; it is never an
// argument.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>

#include "daemons/config/load.h"
#include "libcommon/config/value.h"
#include "spool/state/services.h"
#include "tools/account_import.h"
#include "tools/account_servers.h"
#include "tools/password_source.h"
#include "tools/time_text.h"
#include "tools/tool_options.h"

namespace mailroom {
namespace {

constexpr std::string_view kUsage =
    "usage: mr-account [--config FILE] add NAME [--services LIST] [--no-own-addresses]\n"
    "                                      [--password-stdin | --hash HASH | --kerberos PRINCIPAL | "
    "--no-password]\n"
    "       mr-account [--config FILE] [--json] list\n"
    "       mr-account [--config FILE] [--json] show NAME\n"
    "       mr-account [--config FILE] passwd NAME [--password-stdin | --hash HASH | --kerberos PRINCIPAL | "
    "--no-password]\n"
    "       mr-account [--config FILE] services NAME LIST\n"
    "       mr-account [--config FILE] disable | enable | remove NAME\n"
    "       mr-account [--config FILE] send-as NAME [PATTERN...]\n"
    "       mr-account [--config FILE] grants NAME yes | no\n"
    "       mr-account [--config FILE] functional NAME yes | no\n"
    "       mr-account [--config FILE] [--json] alias list\n"
    "       mr-account [--config FILE] alias set ADDRESS NAME...\n"
    "       mr-account [--config FILE] alias remove ADDRESS\n"
    "       mr-account [--config FILE] import FILE\n"
    "LIST is pop, imap, submission and kpop with commas, or none; ADDRESS may be USER@ for every local "
    "domain;\n"
    "PATTERN is an address, @DOMAIN or \"*\".\n";

struct Options : ToolOptions {
  bool own_addresses = true;
  std::uint8_t services = state::kUsualServices;
  PasswordSource password;
};

int usage() {
  fmt::print(stderr, "{}", kUsage);
  return kWrongUsage;
}

int fail(std::string_view reason) {
  fmt::print(stderr, "mr-account: {}\n", reason);
  return kFailed;
}

int report(const AccountServers::Result<void>& result) { return result ? kGood : fail(result.error()); }

// ---- options

bool take_option(Options& options, std::string_view option, const OptionValue& value) {
  if (take_password_option(options.password, option, value)) return true;
  if (option == "--no-own-addresses") {
    options.own_addresses = false;
    return true;
  }
  if (option != "--services") return false;
  const auto services = state::parse_service_words(value());
  options.services = services.value_or(0);
  return services.has_value();
}

std::optional<Options> parse_options(std::span<char*> arguments) {
  Options options;
  const bool good = read_options(arguments, options, [&](std::string_view option, const OptionValue& value) {
    return take_option(options, option, value);
  });
  return good ? std::optional{std::move(options)} : std::nullopt;
}

// ---- showing

nlohmann::ordered_json json_of(const AccountFacts& account) {
  nlohmann::ordered_json services = nlohmann::ordered_json::array();
  for (const auto& [word, bit] : state::kServiceWords)
    if ((account.services & bit) != 0) services.push_back(word);
  return {{"name", account.name},
          {"id", account.account},
          {"services", services},
          {"disabled", account.disabled},
          {"own_addresses", account.own_addresses},
          {"created", time_text(account.created)}};
}

constexpr std::string_view word_of(SecretKind kind) {
  constexpr std::string_view kWords[] = {"none", "kept here", "a KDC's"};
  return kWords[static_cast<std::size_t>(kind)];
}

nlohmann::ordered_json json_of(const SecretFacts& secret) {
  constexpr std::string_view kWords[] = {"none", "password", "kerberos"};
  nlohmann::ordered_json object{{"kind", kWords[static_cast<std::size_t>(secret.kind)]},
                                {"scram", secret.scram}};
  if (secret.changed != 0) object["changed"] = time_text(secret.changed);
  if (secret.expires != 0) object["expires"] = time_text(secret.expires);
  return object;
}

void print_secret(const SecretFacts& secret) {
  fmt::print("password   {}{}\n", word_of(secret.kind), secret.scram ? ", also by SCRAM" : "");
  if (secret.changed != 0) fmt::print("changed    {}\n", time_text(secret.changed));
  if (secret.expires != 0) fmt::print("expires    {}\n", time_text(secret.expires));
}

void print_account(const AccountFacts& account) {
  fmt::print("{:<32} {:>8} {:<9} {}\n", account.name, account.account,
             account.disabled ? "disabled" : "enabled", state::service_words(account.services));
}

int list(AccountServers& servers, const Options& options) {
  auto all = nlohmann::ordered_json::array();
  const auto listed = servers.for_all_accounts([&](const AccountFacts& account) {
    if (options.json) {
      all.push_back(json_of(account));
    } else {
      print_account(account);
    }
  });
  if (listed && options.json) fmt::print("{}\n", all.dump(2));
  return report(listed);
}

int show(AccountServers& servers, const Options& options) {
  const auto shown = servers.show(options.words[1]);
  if (!shown) return fail(shown.error());
  const auto secret = servers.describe_secret(shown->facts.name);
  if (!secret) return fail(secret.error());
  if (options.json) {
    auto object = json_of(shown->facts);
    object["addresses"] = shown->addresses;
    object["grants"] = shown->grants;
    object["functional"] = shown->functional;
    object["send_as"] = shown->send_as;
    object["password"] = json_of(*secret);
    fmt::print("{}\n", object.dump(2));
    return kGood;
  }
  const AccountFacts& facts = shown->facts;
  fmt::print("name       {}\nid         {}\nstate      {}\nservices   {}\ncreated    {}\n", facts.name,
             facts.account, facts.disabled ? "disabled" : "enabled", state::service_words(facts.services),
             time_text(facts.created));
  for (const std::string& address : shown->addresses) fmt::print("address    {}\n", address);
  for (const std::string& pattern : shown->send_as) fmt::print("sends as   {}\n", pattern);
  if (!shown->grants) fmt::print("grants     no\n");
  if (shown->functional) fmt::print("functional yes\n");
  print_secret(*secret);
  return kGood;
}

int list_aliases(AccountServers& servers, const Options& options) {
  auto all = nlohmann::ordered_json::array();
  const auto listed = servers.for_all_aliases([&](const AliasFacts& alias) {
    if (options.json) {
      all.push_back({{"address", alias.address}, {"accounts", alias.accounts}});
    } else {
      fmt::print("{:<40} {}\n", alias.address, fmt::join(alias.accounts, " "));
    }
  });
  if (listed && options.json) fmt::print("{}\n", all.dump(2));
  return report(listed);
}

// ---- changing

int add(AccountServers& servers, const Options& options) {
  const auto password = read_password(options.password);
  if (!password) return fail(password.error());
  const std::string& name = options.words[1];
  const auto added = servers.add({{name, options.services, options.own_addresses}});
  if (!added) return fail(added.error());
  const AddResult& result = added->front();
  if (result.account == 0) return fail(result.problem);
  // Also without a password: one that an account of this name had before must not be its own.
  if (const auto set = set_secret(servers, name, options.password, *password); !set) {
    const auto removed = servers.remove(name);
    return fail(set.error() +
                (removed ? "; the account was not added" : "; the account is there without a password"));
  }
  if (!result.problem.empty()) return fail(result.problem);
  return kGood;
}

int passwd(AccountServers& servers, const Options& options) {
  if (const auto shown = servers.show(options.words[1]); !shown) return fail(shown.error());
  const auto password = read_password(options.password);
  if (!password) return fail(password.error());
  return report(set_secret(servers, options.words[1], options.password, *password));
}

int set_disabled(AccountServers& servers, const Options& options, bool disabled) {
  return report(servers.change({.name = options.words[1], .disabled = disabled}));
}
int disable(AccountServers& servers, const Options& options) { return set_disabled(servers, options, true); }
int enable(AccountServers& servers, const Options& options) { return set_disabled(servers, options, false); }

int set_services(AccountServers& servers, const Options& options) {
  const auto services = state::parse_service_words(options.words[2]);
  if (!services) return usage();
  return report(servers.change({.name = options.words[1], .services = *services}));
}

// In place of all that it had before.
int set_send_as(AccountServers& servers, const Options& options) {
  return report(servers.change(
      {.name = options.words[1], .send_as = std::vector(options.words.begin() + 2, options.words.end())}));
}

int set_grants(AccountServers& servers, const Options& options) {
  const auto yes = config::parse_flag(options.words[2]);
  return yes ? report(servers.change({.name = options.words[1], .grants = *yes})) : usage();
}

int set_functional(AccountServers& servers, const Options& options) {
  const auto yes = config::parse_flag(options.words[2]);
  return yes ? report(servers.change({.name = options.words[1], .functional = *yes})) : usage();
}

int remove(AccountServers& servers, const Options& options) {
  if (const auto removed = servers.remove(options.words[1]); !removed) return fail(removed.error());
  return report(servers.remove_secret(options.words[1]));
}

int alias(AccountServers& servers, const Options& options) {
  const std::string& verb = options.words[1];
  const std::size_t count = options.words.size();
  if (verb == "list" && count == 2) return list_aliases(servers, options);
  if (verb == "set" && count >= 4)
    return report(servers.set_alias(options.words[2], {options.words.begin() + 3, options.words.end()}));
  if (verb == "remove" && count == 3) return report(servers.set_alias(options.words[2], {}));
  return usage();
}

// ---- importing

// One batch; gives the number of accounts that could not be added.
std::expected<std::size_t, std::string> import_some(AccountServers& servers,
                                                    std::span<const ImportedAccount> accounts) {
  std::vector<NewAccount> batch;
  for (const ImportedAccount& account : accounts) batch.push_back({account.name, account.services, true});
  const auto results = servers.add(std::move(batch));
  if (!results) return std::unexpected(results.error());
  std::vector<HashedSecret> secrets;
  std::size_t problems = 0;
  for (std::size_t i = 0; i < results->size(); ++i) {
    const AddResult& result = (*results)[i];
    if (result.account != 0) secrets.push_back({result.name, accounts[i].hash});
    if (result.problem.empty()) continue;
    ++problems;
    fmt::print(stderr, "mr-account: {}: {}\n", result.name, result.problem);
  }
  if (const auto set = servers.set_hashes(std::move(secrets)); !set) return std::unexpected(set.error());
  return problems;
}

int import(AccountServers& servers, const Options& options) {
  std::ifstream file{options.words[1] == "-" ? "/dev/stdin" : options.words[1]};
  if (!file) return fail(options.words[1] + ": cannot be read");
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const auto accounts = parse_import(text);
  if (!accounts) {
    for (const std::string& problem : accounts.error()) fail(options.words[1] + ":" + problem);
    return kFailed;
  }
  std::size_t problems = 0;
  for (std::span<const ImportedAccount> rest{*accounts}; !rest.empty();) {
    const auto batch = rest.first(std::min(rest.size(), kMaxNewAccounts));
    const auto bad = import_some(servers, batch);
    if (!bad) return fail(bad.error());
    problems += *bad;
    rest = rest.subspan(batch.size());
  }
  return problems == 0 ? kGood : kFailed;
}

// ---- verbs

struct Verb {
  std::string_view name;
  std::size_t min_words, max_words;  // with the verb itself
  int (*run)(AccountServers&, const Options&);
};

constexpr Verb kVerbs[] = {
    {"add", 2, 2, add},
    {"alias", 2, 1002, alias},
    {"disable", 2, 2, disable},
    {"enable", 2, 2, enable},
    {"functional", 3, 3, set_functional},
    {"grants", 3, 3, set_grants},
    {"import", 2, 2, import},
    {"list", 1, 1, list},
    {"passwd", 2, 2, passwd},
    {"remove", 2, 2, remove},
    {"send-as", 2, 102, set_send_as},
    {"services", 3, 3, set_services},
    {"show", 2, 2, show},
};

int run(const Options& options) {
  const auto* verb = std::ranges::find(kVerbs, options.words.front(), &Verb::name);
  if (verb == std::end(kVerbs)) return usage();
  if (options.words.size() < verb->min_words || options.words.size() > verb->max_words) return usage();
  const auto config = config::load(options.config);
  if (!config) {
    for (const auto& error : config.error()) fmt::print(stderr, "{}\n", config::text_of(error));
    return kFailed;
  }
  auto servers = AccountServers::connect(config->directories.run);
  return servers ? verb->run(*servers, options) : fail(servers.error());
}

}  // namespace
}  // namespace mailroom

int main(int argc, char** argv) {
  const auto options = mailroom::parse_options({argv + 1, argv + argc});
  return options ? mailroom::run(*options) : mailroom::usage();
}
