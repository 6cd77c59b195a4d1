// dnsd: whom it asks, and what it trusts.
#include <fmt/format.h>

#include <algorithm>

#include "daemons/config/names.h"
#include "daemons/config/tables.h"
#include "libcommon/text/ascii.h"

namespace mailroom::config {

namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::size_t kMaxServers = 16;  // of one zone

std::unexpected<std::string> wrong(std::string reason) { return std::unexpected(std::move(reason)); }

// ---- ADDRESS[@PORT] ----

Parsed<IpAddress> parse_server(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::string_view host = text.substr(0, at);
  const auto port =
      at == text.npos ? std::optional{kDnsPort} : parse_decimal<std::uint16_t>(text.substr(at + 1));
  if (port && *port > 0) {
    const bool is_v6 = host.find(':') != host.npos;
    const auto address =
        parse_ip_and_port(fmt::format(fmt::runtime(is_v6 ? "[{}]:{}" : "{}:{}"), host, *port));
    if (address) return *address;
  }
  return wrong(fmt::format("\"{}\" is not ADDRESS[@PORT]", text));
}

Result add_servers(std::vector<IpAddress>& servers, Values values) {
  for (const auto& value : values) {
    const auto server = parse_server(value);
    if (!server) return wrong(server.error());
    if (servers.size() == kMaxServers) return wrong(fmt::format("takes at most {} servers", kMaxServers));
    servers.push_back(*server);
  }
  return {};
}

std::string show_servers(const std::vector<IpAddress>& servers) {
  std::string text;
  for (const IpAddress& server : servers)
    text += fmt::format("{}{}@{}", text.empty() ? "" : " ", server.text(), server.port);
  return text;
}

// ---- zones: "." is the root ----

Parsed<std::string> parse_zone(std::string_view text) {
  if (text == ".") return std::string{};
  if (text.ends_with('.')) text.remove_suffix(1);
  return parse_host_name(text);
}

std::string show_zone(const std::string& zone) { return zone.empty() ? "." : zone; }

// ---- dnsd.forward, dnsd.stub, dnsd.insecure ----

Result set_forward(DnsdConfig& config, Values values) { return add_servers(config.forward, values); }

std::vector<std::string> show_forward(const DnsdConfig& config) {
  if (config.forward.empty()) return {};
  return {show_servers(config.forward)};
}

Result set_stub(DnsdConfig& config, Values values) {
  if (values.size() < 2) return wrong("takes ZONE ADDRESS[@PORT] ...");
  auto zone = parse_zone(values[0]);
  if (!zone) return wrong(zone.error());
  if (std::ranges::count(config.stubs, *zone, &DnsStubConfig::zone) > 0)
    return wrong(fmt::format("{} has servers already", show_zone(*zone)));
  DnsStubConfig stub{std::move(*zone), {}};
  if (const auto done = add_servers(stub.servers, values.subspan(1)); !done) return done;
  config.stubs.push_back(std::move(stub));
  return {};
}

std::vector<std::string> show_stubs(const DnsdConfig& config) {
  std::vector<std::string> lines;
  for (const DnsStubConfig& stub : config.stubs)
    lines.push_back(fmt::format("{} {}", show_zone(stub.zone), show_servers(stub.servers)));
  return lines;
}

Result set_insecure(DnsdConfig& config, Values values) {
  for (const auto& value : values) {
    auto zone = parse_zone(value);
    if (!zone) return wrong(zone.error());
    config.insecure.push_back(std::move(*zone));
  }
  return {};
}

std::vector<std::string> show_insecure(const DnsdConfig& config) {
  std::vector<std::string> lines;
  for (const std::string& zone : config.insecure) lines.push_back(show_zone(zone));
  return lines;
}

using D = DnsdConfig;
constexpr Key<D> kDnsdKeys[] = {
    {"forward", Custom<D>{"ADDRESS[@PORT] ...", Occurs::repeatedly, set_forward, show_forward},
     Reload::restart,
     "Resolvers that are asked for everything but the zones of dnsd.stub. Without it the servers of each "
     "zone are asked, "
     "beginning with those of the root. Answers are validated in both cases; a forwarder must pass DNSSEC "
     "records on."},
    {"stub", Custom<D>{"ZONE ADDRESS[@PORT] ...", Occurs::repeatedly, set_stub, show_stubs}, Reload::restart,
     "The servers of a zone, for one that is not reached from the root; the zone . is the root itself."},
    {"insecure", Custom<D>{"ZONE ...", Occurs::repeatedly, set_insecure, show_insecure}, Reload::restart,
     "Zones that are taken as they are, without validation: for a zone of dnsd.stub that the signed zone "
     "above it does not "
     "know. No host in them has DANE."},
    {"trust-anchor", Text<D>{&D::trust_anchor_file, "FILE", parse_path}, Reload::restart,
     "DS or DNSKEY records, one on a line, of the zones where validation begins. Without it these are the "
     "keys of the root "
     "that this version knows, of 2017 and 2024."},
    {"timeout", Time<D>{&D::timeout, 1s, 2min}, Reload::at_once,
     "When the answer to a question has not been found after this time, the lookup has failed for now."},
    {"cache-size", Size<D>{&D::cache_size, kMiB, 16 * 1024 * kMiB}, Reload::restart,
     "Octets of memory for answers and keys that are kept until their time to live is over."},
};

}  // namespace

std::span<const Key<DnsdConfig>> dnsd_keys() { return kDnsdKeys; }

}  // namespace mailroom::config
