// Who may send: networks, relay domains, limits.
#include <fmt/format.h>

#include <algorithm>

#include "daemons/config/names.h"
#include "daemons/config/tables.h"

namespace mailroom::config {
namespace {

std::unexpected<std::string> wrong(std::string reason) { return std::unexpected(std::move(reason)); }

// ---- network KIND PREFIX... ----

constexpr std::string_view kKinds[] = {"campus", "nat", "cloud"};

// A larger one as campus would make nearly everybody one.
constexpr unsigned kLargestCampusV4 = 96 + 8, kLargestCampusV6 = 16;

bool is_too_large(const IpNetwork& network) {
  static const IpAddress kFirstV4 = parse_ip_network("0.0.0.0")->base;
  return network.bits <
         (network.contains(kFirstV4) || network.base.is_v4() ? kLargestCampusV4 : kLargestCampusV6);
}

Result set_networks(Config& config, Values values) {
  if (values.size() < 2) return wrong("takes campus, nat or cloud, and one or more PREFIX");
  const auto* kind = std::ranges::find(kKinds, values[0]);
  if (kind == std::end(kKinds))
    return wrong(fmt::format("\"{}\" is none of campus, nat and cloud", values[0]));
  for (const std::string& text : values.subspan(1)) {
    const auto prefix = parse_ip_network(text);
    if (!prefix) return wrong(fmt::format("\"{}\" is not a network such as 192.0.2.0/24", text));
    const NetworkConfig network{static_cast<NetworkKind>(kind - kKinds), *prefix};
    if (network.kind == NetworkKind::campus && is_too_large(*prefix))
      return wrong(fmt::format("{} is too large for a campus: it would be an open relay", text));
    if (std::ranges::count(config.networks, network) > 0)
      return wrong(fmt::format("{} is given twice", text));
    config.networks.push_back(network);
  }
  return {};
}

std::vector<std::string> show_networks(const Config& config) {
  std::vector<std::string> lines;
  for (const NetworkConfig& network : config.networks)
    lines.push_back(fmt::format("{} {}", kKinds[static_cast<int>(network.kind)], network.prefix.text()));
  return lines;
}

// ---- relay-domain NAME... ----

Result set_relay_domains(Config& config, Values values) {
  for (const auto& value : values) {
    auto name = parse_host_name(value);
    if (!name) return wrong(name.error());
    if (std::ranges::count(config.relay_domains, *name) > 0)
      return wrong(fmt::format("{} is given twice", *name));
    config.relay_domains.push_back(std::move(*name));
  }
  return {};
}

std::vector<std::string> show_relay_domains(const Config& config) { return config.relay_domains; }

// ---- limit SCOPE UNIT PERIOD SOFT HARD ----

constexpr std::string_view kLimitSyntax =
    "(account | device | nat | address) (messages | recipients) (minute | hour | day) SOFT HARD";
constexpr std::uint64_t kMaxLimit = 10'000'000;

Result set_limit(Config& config, Values values) {
  if (values.size() != 5) return wrong(fmt::format("takes {}", kLimitSyntax));
  const auto scope = policy::parse_scope(values[0]);
  const auto unit = policy::parse_unit(values[1]);
  const auto period = policy::parse_period(values[2]);
  const auto soft = parse_number(values[3]), hard = parse_number(values[4]);
  if (!scope || !unit || !period) return wrong(fmt::format("takes {}", kLimitSyntax));
  if (!soft) return wrong(soft.error());
  if (!hard) return wrong(hard.error());
  if (*soft > kMaxLimit || *hard > kMaxLimit) return wrong(fmt::format("at most {}", kMaxLimit));
  if (*hard != 0 && *soft > *hard) return wrong("the soft limit is above the hard one");
  const policy::LimitRow row{*scope, *unit, *period, static_cast<std::uint32_t>(*soft),
                             static_cast<std::uint32_t>(*hard)};
  const auto same =
      std::ranges::find_if(config.limits, [&](const auto& other) { return other.same_place(row); });
  if (same == config.limits.end()) {
    config.limits.push_back(row);
  } else {
    *same = row;
  }
  return {};
}

std::vector<std::string> show_limits(const Config& config) {
  std::vector<std::string> lines;
  for (const policy::LimitRow& row : config.limits)
    lines.push_back(fmt::format("{} {} {} {} {}", policy::scope_word(row.scope), policy::unit_word(row.unit),
                                policy::period_word(row.period), row.soft, row.hard));
  return lines;
}

constexpr Key<Config> kKeys[] = {
    {"relay-domain", Custom<Config>{"NAME ...", Occurs::repeatedly, set_relay_domains, show_relay_domains},
     Reload::at_once,
     "Domains of ours whose mail is kept on another host: anybody may send to them, and each goes where its "
     "route says, which it must have."},
    {"network",
     Custom<Config>{"(campus | nat | cloud) PREFIX ...", Occurs::repeatedly, set_networks, show_networks},
     Reload::at_once,
     "Networks by what is known of them, such as 192.0.2.0/24 or 2001:db8::/32. Clients in campus networks "
     "send "
     "through smtp outgoing without a login. In nat networks many people or devices share an address: "
     "reading "
     "mail there gives no right to send, devices must log in, failed logins do not shut out the address. In "
     "cloud networks an address belongs to whoever rents it: devices must log in. A network may be of "
     "several "
     "kinds. Nothing is campus by itself, neither loopback nor private addresses."},
    {"limit", Custom<Config>{kLimitSyntax, Occurs::repeatedly, set_limit, show_limits}, Reload::at_once,
     "How much one account, one device or one address without either may send; nat counts addresses in nat "
     "networks. A window begins with the first message and ends after its period. Passing SOFT is logged; "
     "beyond HARD recipients are answered 450 with the time when the window ends; 0 is no limit. mr-access "
     "limits shows and releases. A limit of the same scope, unit and period takes the place of the default."},
};

}  // namespace

std::span<const Key<Config>> access_keys() { return kKeys; }

}  // namespace mailroom::config
