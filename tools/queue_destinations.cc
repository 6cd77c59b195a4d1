#include "tools/queue_destinations.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>

#include "libcommon/text/idna.h"
#include "tools/printable.h"

namespace mailroom {
namespace {

using nlohmann::ordered_json;

constexpr const char* kStates[] = {"ready", "waiting", "held"};
const char* state_text(DestinationState state) { return kStates[static_cast<unsigned>(state)]; }

ordered_json json_of(const ShownDestination& destination) {
  return {{"destination", destination.key},
          {"state", state_text(destination.state)},
          {"messages", destination.messages},
          {"active", destination.active},
          {"window", destination.window},
          {"failures", destination.failures},
          {"next_attempt", moment_text(destination.next_attempt)},
          {"problem", destination.problem}};
}

void print_row(const ShownDestination& destination) {
  fmt::print("{:<40} {:<7} {:>7} messages, {} of {} under way", printable(destination.key),
             state_text(destination.state), destination.messages, destination.active, destination.window);
  if (destination.next_attempt != 0) fmt::print(", next attempt {}", moment_text(destination.next_attempt));
  fmt::print("\n");
  if (!destination.problem.empty()) fmt::print("{:>8}{}\n", "", printable(destination.problem));
}

Answered for_all(Queued& queued, const std::function<void(const ShownDestination&)>& visit) {
  for (ListDestinations request;;) {
    const auto page = ask<DestinationPage>(queued, request);
    if (!page) return std::unexpected(page.error());
    for (const ShownDestination& destination : page->destinations) visit(destination);
    if (page->last || page->destinations.empty()) return {};
    request.after = page->destinations.back().key;
  }
}

ordered_json json_of(const ShownHost& host) {
  return {{"preference", host.preference}, {"name", host.name}, {"addresses", host.addresses},
          {"secure", host.secure},         {"tlsa", host.tlsa}, {"tls", host.tls},
          {"problem", host.problem}};
}

ordered_json json_of(const RouteExplained& route) {
  ordered_json json{
      {"way", route.way},   {"destination", route.key}, {"mx_secure", route.secure},   {"sts", route.sts},
      {"hops", route.hops}, {"no_way", route.no_way},   {"permanent", route.permanent}};
  json["hosts"] = ordered_json::array();
  for (const ShownHost& host : route.hosts) json["hosts"].push_back(json_of(host));
  return json;
}

void print_host(const ShownHost& host) {
  fmt::print("{:>6} {} [{}]{}", host.preference, printable(host.name), fmt::join(host.addresses, ", "),
             host.secure ? ", validated" : "");
  if (host.tlsa > 0) fmt::print(", {} TLSA records", host.tlsa);
  fmt::print("\n");
  for (const std::string& line : {host.tls, host.problem})
    if (!line.empty()) fmt::print("{:>6} {}\n", "", printable(line));
}

void print_route(const RouteExplained& route) {
  fmt::print("destination {}, {}\n", printable(route.key), printable(route.way));
  if (!route.hosts.empty()) fmt::print("hosts{}:\n", route.secure ? " (validated by DNSSEC)" : "");
  for (const ShownHost& host : route.hosts) print_host(host);
  if (!route.sts.empty()) fmt::print("MTA-STS {}\n", printable(route.sts));
  if (!route.no_way.empty())
    fmt::print("{}: {}\n", route.permanent ? "refused" : "not for now", printable(route.no_way));
  for (std::size_t i = 0; i < route.hops.size(); ++i) fmt::print("{}. {}\n", i + 1, printable(route.hops[i]));
}

}  // namespace

Answered show_destinations(Queued& queued, Format format) {
  ordered_json all = ordered_json::array();
  auto shown = for_all(queued, [&](const ShownDestination& destination) {
    if (format == Format::json)
      all.push_back(json_of(destination));
    else
      print_row(destination);
  });
  if (shown && format == Format::json) fmt::print("{}", dumped(all));
  return shown;
}

Answered show_route(Queued& queued, const std::string& address, routing::SenderTls tls, Format format) {
  const std::string domain = address.substr(address.rfind('@') + 1);
  const auto in_a_labels = domain.starts_with('[') ? domain : to_a_labels(domain);
  if (!in_a_labels) return std::unexpected(domain + " is no domain");
  const auto route =
      ask<RouteExplained>(queued, ExplainRoute{address.contains('@') ? address : "", *in_a_labels, tls});
  if (!route) return std::unexpected(route.error());
  if (format == Format::json)
    fmt::print("{}", dumped(json_of(*route)));
  else
    print_route(*route);
  return {};
}

std::optional<DestinationChange> destination_change(std::string_view verb) {
  if (verb == "retry") return DestinationChange::retry;
  if (verb == "hold") return DestinationChange::hold;
  if (verb == "release") return DestinationChange::release;
  return {};
}

Answered change_destination(Queued& queued, const std::string& key, DestinationChange change) {
  const auto changed = ask<QueueChanged>(queued, ChangeDestination{key, change});
  if (!changed) return std::unexpected(key + ": " + changed.error());
  return {};
}

}  // namespace mailroom
