// mr-queue: shows and changes what is in the queue.
//
// SECURITY: changes nothing itself: it asks queued on its control socket, which only root can connect to.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemons/config/load.h"
#include "spool/queue/queue_id.h"
#include "tools/printable.h"
#include "tools/queue_destinations.h"
#include "tools/queue_tool.h"
#include "tools/tool_options.h"

namespace mailroom {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kUsage =
    "usage: mr-queue [--config FILE] [--json] list\n"
    "       mr-queue [--config FILE] [--json] show ID\n"
    "       mr-queue [--config FILE] cat ID\n"
    "       mr-queue [--config FILE] retry | hold | release | remove ID... | --all\n"
    "       mr-queue [--config FILE] retry | hold | release DESTINATION...\n"
    "       mr-queue [--config FILE] pending\n"
    "       mr-queue [--config FILE] [--json] destinations\n"
    "       mr-queue [--config FILE] [--json] [--requiretls | --tls-optional] route ADDRESS\n";

struct Options : ToolOptions {
  bool all = false;
  routing::SenderTls tls = routing::SenderTls::unspecified;
};

int usage() {
  fmt::print(stderr, "{}", kUsage);
  return kWrongUsage;
}

int fail(std::string_view reason) {
  fmt::print(stderr, "mr-queue: {}\n", reason);
  return kFailed;
}

bool take_option(Options& options, std::string_view option, const OptionValue&) {
  if (option == "--all") {
    options.all = true;
  } else if (option == "--requiretls") {
    options.tls = routing::SenderTls::required;
  } else if (option == "--tls-optional") {
    options.tls = routing::SenderTls::optional;
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
  return good ? std::optional{std::move(options)} : std::nullopt;
}

// ---- showing

const char* state_text(MessageState state) {
  switch (state) {
  case MessageState::waiting:
    return "waiting";
  case MessageState::active:
    return "active";
  case MessageState::held:
    return "held";
  }
  return "";
}

ordered_json json_of(const QueuedMessage& message) {
  return {{"id", queue::id_text(message.id)},
          {"state", state_text(message.state)},
          {"arrived", moment_text(message.arrived)},
          {"size", message.size},
          {"sender", message.sender},
          {"recipients", message.recipients},
          {"first_recipients", message.addresses},
          {"attempts", message.attempts},
          {"next_attempt", moment_text(message.next_attempt)},
          {"problem", message.problem}};
}

void print_row(const QueuedMessage& message) {
  std::string recipients = message.addresses.empty() ? "" : printable(message.addresses.front());
  if (message.recipients > 1) recipients += fmt::format(" and {} more", message.recipients - 1);
  fmt::print("{:<13} {:<7} {} {:>9}  <{}> {}\n", queue::id_text(message.id), state_text(message.state),
             moment_text(message.arrived), message.size, printable(message.sender), recipients);
  if (!message.problem.empty()) fmt::print("{:>13} {}\n", "", printable(message.problem));
}

// Calls back for each message, in the order of their arrival.
std::expected<void, std::string> for_all(Queued& queued,
                                         const std::function<void(const QueuedMessage&)>& visit) {
  for (ListQueue request;;) {
    const auto page = ask<QueuePage>(queued, request);
    if (!page) return std::unexpected(page.error());
    for (const QueuedMessage& message : page->messages) visit(message);
    if (page->last || page->messages.empty()) return {};
    request.after = page->messages.back().id;
  }
}

int list(Queued& queued, const Options& options) {
  ordered_json all = ordered_json::array();
  const auto listed = for_all(queued, [&](const QueuedMessage& message) {
    if (options.json)
      all.push_back(json_of(message));
    else
      print_row(message);
  });
  if (!listed) return fail(listed.error());
  if (options.json) fmt::print("{}", dumped(all));
  return kGood;
}

void print_target(const ShownTarget& target) {
  const std::string where =
      target.destination.empty() ? fmt::format("account {}", target.account) : printable(target.destination);
  fmt::print("{:>5} {:<9} {} for {}\n", target.number, target.finished ? "done" : "to do", where,
             printable(target.address));
  if (!target.answer.empty()) fmt::print("{:>5} {}\n", "", printable(target.answer));
}

int show(Queued& queued, const Options& options, QueueId id) {
  const auto shown = ask<MessageShown>(queued, ShowMessage{id});
  if (!shown) return fail(shown.error());
  if (options.json) {
    ordered_json json = json_of(shown->message);
    json["session"] = fmt::format("{:016x}", shown->connection);
    json["submitter"] = shown->submitter;
    for (const ShownTarget& target : shown->targets)
      json["targets"].push_back({{"number", target.number},
                                 {"address", target.address},
                                 {"account", target.account},
                                 {"destination", target.destination},
                                 {"finished", target.finished},
                                 {"answer", target.answer}});
    fmt::print("{}", dumped(json));
    return kGood;
  }
  print_row(shown->message);
  fmt::print("session {:016x}", shown->connection);
  if (!shown->submitter.empty()) fmt::print(", submitted by {}", printable(shown->submitter));
  fmt::print("\n{} attempts, the next at {}\n", shown->message.attempts,
             moment_text(shown->message.next_attempt));
  for (const ShownTarget& target : shown->targets) print_target(target);
  return kGood;
}

int cat(Queued& queued, QueueId id) {
  auto piece = ask<ContentPiece>(queued, ReadMessage{id});
  while (piece) {
    std::fwrite(piece->bytes.data(), 1, piece->bytes.size(), stdout);
    if (piece->last) return piece->problem.empty() ? kGood : fail(piece->problem);
    auto next = queued.receive();
    if (!next) return fail(next.error());
    const auto* following = std::get_if<ContentPiece>(&*next);
    if (following == nullptr) return fail("queued stopped in the middle");
    piece = *following;
  }
  return fail(piece.error());
}

int pending(Queued& queued) {
  const auto count = ask<QueueCount>(queued, CountQueue{});
  if (!count) return fail(count.error());
  fmt::print("{}\n", count->messages);
  return kGood;
}

// ---- changing

template <typename Request>
int change(Queued& queued, const std::vector<QueueId>& ids) {
  int exit = kGood;
  for (const QueueId id : ids) {
    const auto changed = ask<QueueChanged>(queued, Request{id});
    if (!changed) exit = fail(id == 0 ? changed.error() : queue::id_text(id) + ": " + changed.error());
  }
  return exit;
}

std::optional<int> change_by_verb(Queued& queued, const std::string& verb, const std::vector<QueueId>& ids) {
  if (verb == "retry") return change<RetryMessage>(queued, ids);
  if (verb == "hold") return change<HoldMessage>(queued, ids);
  if (verb == "release") return change<ReleaseMessage>(queued, ids);
  if (verb == "remove") return change<RemoveMessage>(queued, ids);
  return {};
}

// What the words after the verb name: messages, or destinations.
struct Named {
  std::vector<QueueId> ids;
  std::vector<std::string> destinations;
};

int perform_on_messages(Queued& queued, const Options& options, const std::vector<QueueId>& ids) {
  const std::string& verb = options.words.front();
  if (verb == "list" && ids.empty()) return list(queued, options);
  if (verb == "pending" && ids.empty()) return pending(queued);
  if (verb == "show" && ids.size() == 1 && !options.all) return show(queued, options, ids.front());
  if (verb == "cat" && ids.size() == 1 && !options.all) return cat(queued, ids.front());
  if (ids.empty()) return kWrongUsage;
  return change_by_verb(queued, verb, ids).value_or(kWrongUsage);
}

int perform_on_destinations(Queued& queued, const Options& options, const std::vector<std::string>& keys) {
  const auto change = destination_change(options.words.front());
  if (!change || options.all) return kWrongUsage;
  int exit = kGood;
  for (const std::string& key : keys)
    if (const auto changed = change_destination(queued, key, *change); !changed) exit = fail(changed.error());
  return exit;
}

// A key of a destination has a dot or a colon, or is "local": none of these is in a queue id.  One without is
// that of a domain of one label, and is written with a dot at its end, which the domain "local" keeps.
bool is_destination(std::string_view word) {
  return word == "local" || word.find_first_of(".:[") != word.npos;
}

std::string key_of(const std::string& word) {
  return word.ends_with('.') && word != "local." ? word.substr(0, word.size() - 1) : word;
}

std::expected<Named, std::string> named(const Options& options) {
  Named out;
  for (const std::string& word : std::span{options.words}.subspan(1)) {
    if (is_destination(word)) {
      out.destinations.push_back(key_of(word));
      continue;
    }
    const auto id = queue::parse_id(word);
    if (!id || *id == 0) return std::unexpected(word + " is neither a queue id nor a destination");
    out.ids.push_back(*id);
  }
  return out;
}

int perform(Queued& queued, const Options& options) {
  const Format format = options.json ? Format::json : Format::text;
  if (options.words.front() == "route") {
    if (options.words.size() != 2) return kWrongUsage;
    const auto shown = show_route(queued, options.words[1], options.tls, format);
    return shown ? kGood : fail(shown.error());
  }
  if (options.words.front() == "destinations") {
    if (options.words.size() != 1) return kWrongUsage;
    const auto shown = show_destinations(queued, format);
    return shown ? kGood : fail(shown.error());
  }
  auto what = named(options);
  if (!what) return fail(what.error());
  if (what->destinations.empty()) {
    if (options.all && !what->ids.empty()) return kWrongUsage;
    if (options.all) what->ids.push_back(0);
    return perform_on_messages(queued, options, what->ids);
  }
  return what->ids.empty() ? perform_on_destinations(queued, options, what->destinations) : kWrongUsage;
}

int run(const Options& options) {
  const auto config = config::load(options.config);
  if (!config) {
    for (const auto& error : config.error()) fmt::print(stderr, "{}\n", config::text_of(error));
    return kFailed;
  }
  auto socket = connect_to_control_socket(config->directories.run + "/queued.sock");
  if (!socket) return fail(socket.error());
  Queued queued{std::move(*socket)};
  const int exit = perform(queued, options);
  return exit == kWrongUsage ? usage() : exit;
}

}  // namespace
}  // namespace mailroom

int main(int count, char** arguments) {
  const auto options = mailroom::parse_options({arguments + 1, static_cast<std::size_t>(count - 1)});
  return options ? mailroom::run(*options) : mailroom::usage();
}
