// mr-credential: what this system logs in with at other hosts.
//
// SECURITY: asks authd on its control socket, which only root can connect to.  The password comes from the
// terminal or from standard input, never as an argument, and no command shows it again.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>

#include "daemons/channels/tools_authd.h"
#include "daemons/config/load.h"
#include "tools/password_prompt.h"
#include "tools/tool_connection.h"
#include "tools/tool_options.h"

namespace mailroom {
namespace {

constexpr std::string_view kUsage = "usage: mr-credential [--config FILE] set ROUTE USER [--password-stdin]\n"
                                    "       mr-credential [--config FILE] [--json] list\n"
                                    "       mr-credential [--config FILE] remove ROUTE\n"
                                    "ROUTE is the domain of a route of the configuration, or *.\n";

using Authd = ToolConnection<ToolToAuthd, AuthdToTool>;

struct Options : ToolOptions {
  bool password_on_standard_input = false;
};

int usage() {
  fmt::print(stderr, "{}", kUsage);
  return kWrongUsage;
}

int fail(std::string_view reason) {
  fmt::print(stderr, "mr-credential: {}\n", reason);
  return kFailed;
}

std::optional<Options> parse_options(std::span<char*> arguments) {
  Options options;
  const bool good = read_options(arguments, options, [&](std::string_view option, const OptionValue&) {
    options.password_on_standard_input |= option == "--password-stdin";
    return option == "--password-stdin";
  });
  return good ? std::optional{std::move(options)} : std::nullopt;
}

const RouteConfig* find_route(const Config& config, const std::string& domain) {
  const auto found = std::ranges::find(config.routes, domain, &RouteConfig::domain);
  return found == config.routes.end() ? nullptr : &*found;
}

// One that is answered with Done.
int change(Authd& authd, const CredentialRequest& request) {
  const auto answer = authd.ask(request);
  if (!answer) return fail(answer.error());
  if (const auto* refused = std::get_if<ToolRefused>(&*answer)) return fail(refused->reason);
  return kGood;
}

// ---- verbs

int set(Authd& authd, const Config& config, const Options& options) {
  const RouteConfig* route = find_route(config, options.words[1]);
  if (route == nullptr) return fail("the configuration has no route " + options.words[1]);
  auto password = options.password_on_standard_input ? read_password_line() : ask_for_password();
  if (!password) return fail(password.error());
  const int result = change(authd, SetCredentials{route->domain, routing::fixed_target(*route),
                                                  options.words[2], std::move(*password)});
  if (result == kGood && !route->authenticate)
    fmt::print(stderr, "mr-credential: kept; the route does not use them so far: it lacks auth\n");
  return result;
}

int remove(Authd& authd, const Config&, const Options& options) {
  return change(authd, RemoveCredentials{options.words[1]});
}

// Whether the route asks for them as things are.
std::string_view state_of(const CredentialFacts& facts, const Config& config) {
  const RouteConfig* route = find_route(config, facts.domain);
  if (route == nullptr) return "no such route";
  if (routing::fixed_target(*route) != facts.target) return "the route leads elsewhere";
  return route->authenticate ? "in use" : "the route lacks auth";
}

std::expected<std::vector<CredentialFacts>, std::string> ask_for_all(Authd& authd) {
  std::vector<CredentialFacts> all;
  for (;;) {
    auto page = expect_answer<CredentialPage>(
        authd.ask(CredentialRequest{ListCredentials{all.empty() ? "" : all.back().domain}}));
    if (!page) return std::unexpected(page.error());
    std::ranges::move(page->credentials, std::back_inserter(all));
    if (page->last || page->credentials.empty()) return all;
  }
}

int list(Authd& authd, const Config& config, const Options& options) {
  const auto all = ask_for_all(authd);
  if (!all) return fail(all.error());
  auto array = nlohmann::ordered_json::array();
  for (const CredentialFacts& facts : *all) {
    const std::string_view state = state_of(facts, config);
    if (options.json)
      array.push_back(
          {{"route", facts.domain}, {"target", facts.target}, {"user", facts.user}, {"state", state}});
    else
      fmt::print("{:<32} {:<40} {:<24} {}\n", facts.domain, facts.target, facts.user, state);
  }
  if (options.json) fmt::print("{}\n", array.dump(2));
  return kGood;
}

struct Verb {
  std::string_view name;
  std::size_t words;  // with the verb itself
  int (*run)(Authd&, const Config&, const Options&);
};
constexpr Verb kVerbs[] = {{"list", 1, list}, {"remove", 2, remove}, {"set", 3, set}};

int run(const Options& options) {
  const auto* verb = std::ranges::find(kVerbs, options.words.front(), &Verb::name);
  if (verb == std::end(kVerbs) || options.words.size() != verb->words) return usage();
  const auto config = config::load(options.config);
  if (!config) {
    for (const auto& error : config.error()) fmt::print(stderr, "{}\n", config::text_of(error));
    return kFailed;
  }
  auto socket = connect_to_control_socket(config->directories.run + "/authd.sock");
  if (!socket) return fail(socket.error());
  Authd authd{std::move(*socket)};
  return verb->run(authd, *config, options);
}

}  // namespace
}  // namespace mailroom

int main(int argc, char** argv) {
  const auto options = mailroom::parse_options({argv + 1, argv + argc});
  return options ? mailroom::run(*options) : mailroom::usage();
}
