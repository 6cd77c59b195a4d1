// mr-access: says why a message would be taken or not, and shows and takes back what lets people send.
//
// SECURITY: changes nothing itself: it asks policyd on its control socket, which only root can connect to.
// The session of a client is played in memory, from what the operator has given, with keys made on the spot:
// no private key is opened, and no connection made.  What is read of a log is data, and is printed with
// controls removed.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>

#include "daemons/channels/tools_policyd.h"
#include "daemons/config/load.h"
#include "daemons/log.h"
#include "tools/log_story.h"
#include "tools/policyd_pages.h"
#include "tools/session_trial.h"
#include "tools/time_text.h"
#include "tools/tool_options.h"

namespace mailroom {
namespace {

using nlohmann::ordered_json;
using Policyd = PolicydConnection;

constexpr std::string_view kUsage =
    "usage: mr-access [--config FILE] [--json] explain --listener mx|submission|outgoing|relay --client IP\n"
    "                 [--login ACCOUNT|PRINCIPAL] --from ADDRESS --to ADDRESS\n"
    "                 [--helo NAME] [--tls none|1.0|1.1|1.2|1.3] [--port PORT]\n"
    "       mr-access [--json] why [--log FILE] QUEUE-ID|SESSION\n"
    "       mr-access [--config FILE] [--json] grants\n"
    "       mr-access [--config FILE] revoke [--account NAME] [--network IP[/BITS]]\n"
    "       mr-access [--config FILE] [--json] limits\n"
    "       mr-access [--config FILE] release account|device|nat|address NAME\n"
    "ADDRESS is written without angle brackets; \"\" is the null sender.  why reads standard input without "
    "--log.\n";

struct Options : ToolOptions {
  std::optional<std::string> listener, client, login, from, to, helo, tls, port, log, account, network;
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
    {"--from", &Options::from},         {"--to", &Options::to},          {"--helo", &Options::helo},
    {"--tls", &Options::tls},           {"--port", &Options::port},      {"--log", &Options::log},
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

std::expected<Config, std::string> load_config(const Options& options) {
  auto config = config::load(options.config);
  if (!config) return std::unexpected(config::text_of(config.error().front()));
  return std::move(*config);
}

std::expected<Policyd, std::string> connect(const Config& config) {
  auto fd = connect_to_control_socket(config.directories.run + "/policyd.sock");
  if (!fd) return std::unexpected(fd.error());
  return Policyd{std::move(*fd)};
}

std::expected<Policyd, std::string> connect(const Options& options) {
  const auto config = load_config(options);
  if (!config) return std::unexpected(config.error());
  return connect(*config);
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

std::string words_of(const Reply& reply) {
  if (reply.code == 0) return reply.text;  // it never came to one
  return fmt::format("{} {}{}{}", reply.code, reply.enhanced, reply.enhanced.empty() ? "" : " ", reply.text);
}

void print(const MailExplained& answer) {
  fmt::print("{}: {}\n", answer.accepted ? "accepted" : "not accepted", words_of(answer.reply));
  fmt::print("rule      {}\n          {}\n", answer.rule, answer.when);
  if (!answer.submitter.empty()) fmt::print("sends as  {}\n", answer.submitter);
  if (!answer.authors.empty()) fmt::print("From: may name  {}\n", fmt::join(answer.authors, " "));
  for (const ExplainedFact& fact : answer.facts)
    fmt::print("  {:<20} {:<14} {}\n", fact.name, fact.value, fact.source);
}

// ---- explain: the session of that client

// The newest version of TLS that a client knows; "none".
std::expected<std::optional<TlsVersion>, std::string> parse_tls(std::string_view word) {
  constexpr std::string_view kWords[] = {"1.0", "1.1", "1.2", "1.3"};
  if (word == "none") return std::nullopt;
  const auto* found = std::ranges::find(kWords, word);
  if (found == std::end(kWords))
    return std::unexpected(std::string{word} + " is none of none, 1.0, 1.1, 1.2 and 1.3");
  return static_cast<TlsVersion>(found - kWords);
}

bool has_controls(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

std::expected<TrialClient, std::string> client_of(const Options& options, const IpAddress& address) {
  const auto newest_tls = parse_tls(options.tls.value_or("1.3"));
  if (!newest_tls) return std::unexpected(newest_tls.error());
  TrialClient client{.address = address,
                     .helo = options.helo.value_or("client.invalid"),
                     .newest_tls = *newest_tls,
                     .login = options.login.value_or(""),
                     .sender = *options.from,
                     .recipient = *options.to};
  if (has_controls(client.helo + client.sender + client.recipient))
    return std::unexpected("what a client says in a command has no control characters");
  return client;
}

// Of all listeners of the class, or the one with that port.
std::expected<std::vector<ListenerConfig>, std::string> listeners_of(const Config& config, Service service,
                                                                     const Options& options) {
  std::vector<ListenerConfig> listeners;
  for (const ListenerConfig& each : config.listeners)
    if (each.service == service && (!options.port || *options.port == std::to_string(each.address.port)))
      listeners.push_back(each);
  if (listeners.empty())
    return std::unexpected(fmt::format("there is no listener smtp {}{}", *options.listener,
                                       options.port ? " with port " + *options.port : ""));
  return listeners;
}

// The session's end in place of what policyd alone has said.
MailExplained with_session(MailExplained answer, SessionTrial trial) {
  if (trial.rule != answer.rule) {
    answer.submitter.clear();
    answer.authors.clear();
  }
  answer.accepted = trial.accepted();
  answer.reply = std::move(trial.reply);
  answer.rule = std::move(trial.rule);
  answer.when = std::move(trial.when);
  answer.facts.insert(answer.facts.begin(), trial.facts.begin(), trial.facts.end());
  return answer;
}

std::expected<MailExplained, std::string> try_sessions(const Config& config, const Options& options,
                                                       const ExplainMail& request, Policyd& policyd,
                                                       const MailExplained& answer) {
  const auto client = client_of(options, request.client);
  if (!client) return std::unexpected(client.error());
  const auto listeners = listeners_of(config, request.listener, options);
  if (!listeners) return std::unexpected(listeners.error());
  const AskPolicyd ask_policyd = [&](const ExplainMail& question) {
    auto said = ask<MailExplained>(policyd, question);
    if (!said) throw std::runtime_error(said.error());
    return std::move(*said);
  };
  std::optional<SessionTrial> first;
  for (const ListenerConfig& listener : *listeners) {
    SessionTrial trial = try_session(config, listener, *client, ask_policyd);
    if (first && (first->reply != trial.reply || first->rule != trial.rule))
      return std::unexpected("the listeners of that class answer differently: name one with --port");
    if (!first) first = std::move(trial);
  }
  return with_session(answer, std::move(*first));
}

// ---- explain

std::expected<MailExplained, std::string> explained(const Options& options, const ExplainMail& request) try {
  const auto config = load_config(options);
  if (!config) return std::unexpected(config.error());
  auto policyd = connect(*config);
  if (!policyd) return std::unexpected(policyd.error());
  auto answer = ask<MailExplained>(*policyd, request);
  if (!answer || (!options.helo && !options.tls && !options.port)) return answer;
  return try_sessions(*config, options, request, *policyd, *answer);
} catch (const std::runtime_error& error) {
  return std::unexpected(error.what());
}

int explain(const Options& options) {
  if (!options.listener || !options.client || !options.from || !options.to) return usage();
  const auto listener = parse_listener(*options.listener);
  const auto client = parse_ip_network(*options.client);
  if (!listener) return usage();
  if (!client || client->bits != 128) return fail(*options.client + " is not an address");
  const auto answer = explained(options, {.listener = *listener,
                                          .client = client->base,
                                          .login = options.login.value_or(""),
                                          .sender = *options.from,
                                          .recipient = *options.to});
  if (!answer) return fail(answer.error());
  if (options.json) {  // what the operator has given need not be UTF-8
    fmt::print("{}\n", json_of(*answer).dump(2, ' ', false, ordered_json::error_handler_t::replace));
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
  const auto listed = visit_grants(*policyd, [&](const GrantRow& row) {
    if (options.json) {
      all.push_back({{"network", row.place.network.text()},
                     {"account", row.account},
                     {"since", time_text(row.since)},
                     {"until", time_text(row.until)}});
    } else {
      fmt::print("{:<24} {:<24} {} until {}\n", row.place.network.text(), row.account, time_text(row.since),
                 time_text(row.until));
    }
  });
  if (!listed) return fail(listed.error());
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
  const auto listed = visit_limits(*policyd, [&](const UseRow& row) {
    if (options.json) {
      all.push_back(json_of(row));
    } else {
      fmt::print("{:<8} {:<24} {:<7} messages {:<12} recipients {:<12} until {}\n",
                 policy::scope_word(row.place.scope), row.place.name, policy::period_word(row.period),
                 of_limit(row.messages, row.message_limit), of_limit(row.recipients, row.recipient_limit),
                 time_text(row.until));
    }
  });
  if (!listed) return fail(listed.error());
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
  // What smtpd's engine logs of a session that is only tried is nobody's.
  const mailroom::Fd nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  mailroom::log::set_up({.fd = nowhere.get()});
  const auto options = mailroom::parse_options({argv + 1, argv + argc});
  return options ? mailroom::run(*options) : mailroom::usage();
}
