// mr-access: says why a message would be taken or not, and shows and takes back what lets people send.
//
// SECURITY: changes nothing itself: it asks policyd on its control socket, which only root can connect to.
// What it reads of a log is data, and is printed with controls removed.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>

#include "daemons/channels/tools_policyd.h"
#include "daemons/config/load.h"
#include "tools/log_story.h"
#include "tools/time_text.h"
#include "tools/tool_connection.h"
#include "tools/tool_options.h"

namespace mailroom {
namespace {

using nlohmann::ordered_json;
using Policyd = ToolConnection<ToolToPolicyd, PolicydToTool>;

constexpr std::string_view kUsage =
    "usage: mr-access [--config FILE] [--json] explain --listener mx|submission|outgoing|relay --client IP\n"
    "                 [--login ACCOUNT] --from ADDRESS --to ADDRESS\n"
    "       mr-access [--json] why [--log FILE] QUEUE-ID|SESSION\n"
    "       mr-access [--config FILE] [--json] grants\n"
    "       mr-access [--config FILE] revoke [--account NAME] [--network IP[/BITS]]\n"
    "       mr-access [--config FILE] [--json] limits\n"
    "       mr-access [--config FILE] release account|device|nat|address NAME\n"
    "ADDRESS is written without angle brackets; \"\" is the null sender.  why reads standard input without "
    "--log.\n";

struct Options : ToolOptions {
  std::optional<std::string> listener, client, login, from, to, log, account, network;
};

int usage() {
  fmt::print(stderr, "{}", kUsage);
  return kWrongUsage;
}

int fail(std::string_view reason) {
  fmt::print(stderr, "mr-access: {}\n", reason);
  return kFailed;
}

// ---- options

struct OptionRow {
  std::string_view name;
  std::optional<std::string> Options::*member;
};
constexpr OptionRow kOptions[] = {
    {"--listener", &Options::listener}, {"--client", &Options::client},  {"--login", &Options::login},
    {"--from", &Options::from},         {"--to", &Options::to},          {"--log", &Options::log},
    {"--account", &Options::account},   {"--network", &Options::network}};

std::optional<Options> parse_options(std::span<char*> arguments) {
  Options options;
  const bool good = read_options(arguments, options, [&](std::string_view option, const OptionValue& value) {
    const auto* row = std::ranges::find(kOptions, option, &OptionRow::name);
    if (row == std::end(kOptions)) return false;
    options.*row->member = value();
    return true;
  });
  return good ? std::optional{std::move(options)} : std::nullopt;
}

// ---- policyd

std::expected<Policyd, std::string> connect(const Options& options) {
  const auto config = config::load(options.config);
  if (!config) return std::unexpected(config::text_of(config.error().front()));
  auto fd = connect_to_control_socket(config->directories.run + "/policyd.sock");
  if (!fd) return std::unexpected(fd.error());
  return Policyd{std::move(*fd)};
}

template <typename Answer>
std::expected<Answer, std::string> ask(Policyd& policyd, const ToolToPolicyd& request) {
  return expect_answer<Answer>(policyd.ask(request));
}

// ---- explain

std::optional<Service> parse_listener(std::string_view word) {
  for (const Service service : {Service::mx, Service::submission, Service::outgoing, Service::relay})
    if (word == service_name(service)) return service;
  return std::nullopt;
}

ordered_json json_of(const MailExplained& answer) {
  ordered_json facts = ordered_json::array();
  for (const ExplainedFact& fact : answer.facts)
    facts.push_back({{"fact", fact.name}, {"value", fact.value}, {"source", fact.source}});
  return {{"accepted", answer.accepted},  {"code", answer.reply.code}, {"enhanced", answer.reply.enhanced},
          {"text", answer.reply.text},    {"rule", answer.rule},       {"when", answer.when},
          {"sends-as", answer.submitter}, {"authors", answer.authors}, {"facts", facts}};
}

void print(const MailExplained& answer) {
  fmt::print("{}: {} {} {}\n", answer.accepted ? "accepted" : "not accepted", answer.reply.code,
             answer.reply.enhanced, answer.reply.text);
  fmt::print("rule      {}\n          {}\n", answer.rule, answer.when);
  if (!answer.submitter.empty()) fmt::print("sends as  {}\n", answer.submitter);
  if (!answer.authors.empty()) fmt::print("From: may name  {}\n", fmt::join(answer.authors, " "));
  for (const ExplainedFact& fact : answer.facts)
    fmt::print("  {:<20} {:<14} {}\n", fact.name, fact.value, fact.source);
}

int explain(const Options& options) {
  if (!options.listener || !options.client || !options.from || !options.to) return usage();
  const auto listener = parse_listener(*options.listener);
  const auto client = parse_ip_network(*options.client);
  if (!listener) return usage();
  if (!client || client->bits != 128) return fail(*options.client + " is not an address");
  auto policyd = connect(options);
  if (!policyd) return fail(policyd.error());
  const auto answer = ask<MailExplained>(
      *policyd, ExplainMail{*listener, client->base, options.login.value_or(""), *options.from, *options.to});
  if (!answer) return fail(answer.error());
  if (options.json) {
    fmt::print("{}\n", json_of(*answer).dump(2));
  } else {
    print(*answer);
  }
  return kGood;
}

// ---- why

int why(const Options& options) {
  std::ifstream file;
  if (options.log) {
    file.open(*options.log);
    if (!file) return fail(*options.log + ": cannot be read");
  }
  const LogStory story = read_story(options.log ? file : std::cin, options.words[1]);
  if (story.events.empty()) return fail("the log says nothing of " + options.words[1]);
  if (options.json) {
    fmt::print("{}\n", json_of(story).dump(2));
  } else {
    fmt::print("{}", text_of(story));
  }
  return kGood;
}

// ---- grants

int grants(const Options& options) {
  auto policyd = connect(options);
  if (!policyd) return fail(policyd.error());
  auto all = ordered_json::array();
  ListGrants request;
  for (bool last = false; !last;) {
    const auto page = ask<GrantPage>(*policyd, request);
    if (!page) return fail(page.error());
    for (const GrantRow& row : page->grants) {
      if (options.json) {
        all.push_back({{"network", row.place.network.text()},
                       {"account", row.account},
                       {"since", time_text(row.since)},
                       {"until", time_text(row.until)}});
      } else {
        fmt::print("{:<24} {:<24} {} until {}\n", row.place.network.text(), row.account, time_text(row.since),
                   time_text(row.until));
      }
      request.after = row.place;
    }
    last = page->last;
  }
  if (options.json) fmt::print("{}\n", all.dump(2));
  return kGood;
}

int revoke(const Options& options) {
  RevokeGrants request{options.account.value_or(""), std::nullopt};
  if (options.network) {
    request.network = parse_ip_network(*options.network);
    if (!request.network) return fail(*options.network + " is not an address or a network");
  }
  if (!options.account && !options.network) return usage();
  auto policyd = connect(options);
  if (!policyd) return fail(policyd.error());
  const auto answer = ask<GrantsRevoked>(*policyd, request);
  if (!answer) return fail(answer.error());
  fmt::print("{} revoked\n", answer->grants);
  return kGood;
}

// ---- limits

std::string of_limit(std::uint32_t used, std::uint32_t limit) {
  return limit == 0 ? fmt::format("{}", used) : fmt::format("{}/{}", used, limit);
}

ordered_json json_of(const UseRow& row) {
  return {{"scope", policy::scope_word(row.place.scope)}, {"name", row.place.name},
          {"period", policy::period_word(row.period)},    {"messages", row.messages},
          {"message-limit", row.message_limit},           {"recipients", row.recipients},
          {"recipient-limit", row.recipient_limit},       {"until", time_text(row.until)}};
}

int limits(const Options& options) {
  auto policyd = connect(options);
  if (!policyd) return fail(policyd.error());
  auto all = ordered_json::array();
  ListLimits request;
  for (bool last = false; !last;) {
    const auto page = ask<LimitPage>(*policyd, request);
    if (!page) return fail(page.error());
    for (const UseRow& row : page->uses) {
      if (options.json) {
        all.push_back(json_of(row));
      } else {
        fmt::print("{:<8} {:<24} {:<7} messages {:<12} recipients {:<12} until {}\n",
                   policy::scope_word(row.place.scope), row.place.name, policy::period_word(row.period),
                   of_limit(row.messages, row.message_limit), of_limit(row.recipients, row.recipient_limit),
                   time_text(row.until));
      }
      request.after = row.place;
    }
    last = page->last;
  }
  if (options.json) fmt::print("{}\n", all.dump(2));
  return kGood;
}

int release(const Options& options) {
  const auto scope = policy::parse_scope(options.words[1]);
  if (!scope) return usage();
  auto policyd = connect(options);
  if (!policyd) return fail(policyd.error());
  const auto answer = ask<Done>(*policyd, ReleaseLimit{{*scope, options.words[2]}});
  return answer ? kGood : fail(answer.error());
}

// ---- verbs

struct Verb {
  std::string_view name;
  std::size_t words;  // with the verb itself
  int (*run)(const Options&);
};
constexpr Verb kVerbs[] = {{"explain", 1, explain}, {"grants", 1, grants}, {"limits", 1, limits},
                           {"release", 3, release}, {"revoke", 1, revoke}, {"why", 2, why}};

int run(const Options& options) {
  const auto* verb = std::ranges::find(kVerbs, options.words.front(), &Verb::name);
  if (verb == std::end(kVerbs) || options.words.size() != verb->words) return usage();
  return verb->run(options);
}

}  // namespace
}  // namespace mailroom

int main(int argc, char** argv) {
  const auto options = mailroom::parse_options({argv + 1, argv + argc});
  return options ? mailroom::run(*options) : mailroom::usage();
}
